// What went wrong with a job: the line that matters first, the traceback below it.
import type { Job } from "../api/jobs";
import { CopyButton } from "../components/CopyButton";
import { Traceback } from "../components/Traceback";

export function JobError({ job }: { job: Job }) {
  if (job.error === null && job.traceback === null) return null;
  // A job that goes on, or completed at last, keeps the error of an earlier attempt.
  const final = job.status === "failed" || job.status === "cancelled";
  return (
    <section className="job-error" aria-labelledby="error-heading">
      <div className="section-heading">
        <h2 id="error-heading">{final ? "Error" : "Error of an earlier attempt"}</h2>
        <CopyButton text={job.traceback ?? job.error ?? ""} label="error" />
      </div>
      {job.error !== null && (
        <p className="job-error-summary">
          {job.timedOut && <strong>Out of time. </strong>}
          {job.error}
        </p>
      )}
      {job.traceback !== null && <Traceback text={job.traceback} />}
    </section>
  );
}
