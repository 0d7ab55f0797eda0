// Every attempt of a job that needed more than one, each with how it ended.
import { useQuery } from "@tanstack/react-query";

import { attemptsQuery, type Attempt } from "../api/jobHistory";
import { isFinished, type Job } from "../api/jobs";
import { ErrorNotice } from "../components/ErrorNotice";
import { TimeAgo } from "../components/TimeAgo";
import { Traceback } from "../components/Traceback";
import { formatDuration } from "../format/time";

export function AttemptList({ job }: { job: Job }) {
  const { data, error } = useQuery(attemptsQuery(job.id, { settled: isFinished(job) }));
  if (data === undefined) return <ErrorNotice error={error} wanted="the attempts" />;
  return (
    <section aria-labelledby="attempts-heading">
      <h2 id="attempts-heading">
        Attempts <span className="count">{data.length}</span>
      </h2>
      <ol className="attempts card">
        {data.toReversed().map((attempt) => (
          <li key={attempt.number}>
            <AttemptLine attempt={attempt} shown={attempt.traceback !== null && attempt.traceback !== job.traceback} />
          </li>
        ))}
      </ol>
    </section>
  );
}

const STATUS_OF: Record<string, string> = { timeout: "failed", lost: "retrying" };

function AttemptLine({ attempt, shown }: { attempt: Attempt; shown: boolean }) {
  return (
    <>
      <div className="attempt">
        <span className="attempt-number">{attempt.number}</span>
        <span className="status" data-job-status={STATUS_OF[attempt.outcome] ?? attempt.outcome}>
          <span className="status-dot" aria-hidden="true" />
          {attempt.outcome === "timeout" ? "out of time" : attempt.outcome === "lost" ? "worker lost" : attempt.outcome}
        </span>
        <span className="muted">
          <TimeAgo date={attempt.startedAt} />
        </span>
        <span className="muted">{attempt.durationMs !== null && formatDuration(attempt.durationMs)}</span>
        {attempt.workerId !== null && <code className="muted attempt-worker">{attempt.workerId}</code>}
      </div>
      {attempt.error !== null && <p className="attempt-error">{attempt.error}</p>}
      {shown && attempt.traceback !== null && (
        <details className="attempt-traceback">
          <summary>Traceback of attempt {attempt.number}</summary>
          <Traceback text={attempt.traceback} />
        </details>
      )}
    </>
  );
}
