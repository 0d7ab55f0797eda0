// Jobs as table rows. The whole row leads to the job: its link is stretched over it.
import { Link } from "@tanstack/react-router";

import type { Job } from "../api/jobs";
import { JobDuration } from "../components/JobDuration";
import { ProgressBar } from "../components/ProgressBar";
import { StatusBadge } from "../components/StatusBadge";
import { TimeAgo } from "../components/TimeAgo";
import { shortId } from "../format/numbers";

export function JobTable({ jobs }: { jobs: Job[] }) {
  return (
    <div className="table-frame">
      <table className="table">
        <caption className="visually-hidden">Jobs, newest first</caption>
        <thead>
          <tr>
            <th scope="col" className="column-status wide-only">
              Status
            </th>
            <th scope="col">Function</th>
            <th scope="col" className="column-id wide-only">
              Job
            </th>
            <th scope="col" className="column-time">
              Created
            </th>
            <th scope="col" className="column-number wide-only">
              Duration
            </th>
            <th scope="col" className="column-number wide-only">
              Attempts
            </th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <JobRow key={job.id} job={job} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function JobRow({ job }: { job: Job }) {
  return (
    <tr className="row-link">
      <td className="wide-only">
        <StatusBadge status={job.status} />
      </td>
      <td className="cell-name">
        <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="row-target">
          {job.functionName}
        </Link>
        {(job.type === "cron" || job.type === "event") && <span className="tag">{job.type}</span>}
        {job.status === "active" && job.progress > 0 && <ProgressBar value={job.progress} label="Progress" />}
        <span className="narrow-only muted subline">
          <StatusBadge status={job.status} /> <JobDuration job={job} />
        </span>
      </td>
      <td className="wide-only">
        <code title={job.id}>{shortId(job.id)}</code>
      </td>
      <td className="column-time">
        <TimeAgo date={job.createdAt} />
      </td>
      <td className="column-number wide-only">
        <JobDuration job={job} />
      </td>
      <td className="column-number wide-only" title={`Attempt ${job.attempts} of at most ${job.maxAttempts}`}>
        {job.attempts}
        <span className="muted"> / {job.maxAttempts}</span>
      </td>
    </tr>
  );
}
