// A few jobs, one line each, for the boxes of pages that are not about jobs alone.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Job } from "../api/jobs";
import { JobDuration } from "../components/JobDuration";
import { ProgressBar } from "../components/ProgressBar";
import { StatusBadge } from "../components/StatusBadge";
import { TimeAgo } from "../components/TimeAgo";
import { shortId } from "../format/numbers";
import { argumentsInBrief } from "./argumentsText";

interface JobLinesProps {
  jobs: Job[];
  /** What is said when there are none. */
  absent: ReactNode;
  /** What stands at the end of a line: how long it took, or when it was made. */
  end?: "duration" | "created" | "finished";
  /** All are of one function, which needs not be said: their arguments tell them apart. */
  ofOneFunction?: boolean;
}

export function JobLines({ jobs, absent, end = "duration", ofOneFunction = false }: JobLinesProps) {
  if (jobs.length === 0) return <p className="panel-absent">{absent}</p>;
  return (
    <ul className="job-lines">
      {jobs.map((job) => (
        <li key={job.id} className="row-link">
          <span className="job-line-status">
            <StatusBadge status={job.status} />
          </span>
          <span className="job-line-name">
            <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="row-target" title={job.id}>
              {ofOneFunction ? <code>{shortId(job.id)}</code> : job.functionName}
            </Link>{" "}
            {ofOneFunction ? <span className="muted job-line-arguments">{argumentsInBrief(job.kwargs)}</span> : <code className="muted">{shortId(job.id)}</code>}
            {job.status === "failed" && job.error !== null && (
              <span className="job-line-error" title={job.error}>
                {job.error}
              </span>
            )}
          </span>
          {job.status === "active" && job.progress > 0 && <ProgressBar value={job.progress} label={`Progress of ${job.functionName}`} />}
          {ofOneFunction && (
            <span className="job-line-end muted wide-only">
              <TimeAgo date={job.createdAt} />
            </span>
          )}
          <span className="job-line-end">
            {end === "duration" && <JobDuration job={job} />}
            {end === "created" && <TimeAgo date={job.createdAt} />}
            {end === "finished" && <TimeAgo date={job.completedAt} />}
          </span>
        </li>
      ))}
    </ul>
  );
}
