// The facts of one job beside its content: times, attempts, where it ran and where it comes from.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Job } from "../api/jobs";
import { CopyButton } from "../components/CopyButton";
import { JobDuration } from "../components/JobDuration";
import { JobLink } from "../components/JobLink";
import { TimeAgo } from "../components/TimeAgo";
import { formatDuration } from "../format/time";
import { JobTags } from "./JobTags";

export function JobFacts({ job }: { job: Job }) {
  return (
    <dl className="facts card">
      <Fact name="Job">
        <span className="digest">
          <code title={job.id}>{job.id}</code>
          <CopyButton text={job.id} label="job id" />
        </span>
      </Fact>
      <Fact name="Function">
        <Link to="/functions/$functionKey" params={{ functionKey: job.functionKey }} title={job.functionKey}>
          {job.functionName}
        </Link>
        {job.type !== "unknown" && <span className="muted"> · {job.type}</span>}
      </Fact>
      <Fact name="Attempts">
        {job.attempts} of at most {job.maxAttempts}
      </Fact>
      <Fact name="Created">
        <TimeAgo date={job.createdAt} />
      </Fact>
      {job.startedAt === null && (
        <Fact name="Scheduled">
          <TimeAgo date={job.scheduledAt} />
        </Fact>
      )}
      <Fact name="Started">
        <TimeAgo date={job.startedAt} />
      </Fact>
      <Fact name="Finished">
        <TimeAgo date={job.completedAt} />
      </Fact>
      <Fact name="Duration">
        <JobDuration job={job} />
      </Fact>
      <Fact name="Waited">{job.queueWaitMs === null ? <Absent /> : formatDuration(job.queueWaitMs)}</Fact>
      {job.tags.length > 0 && (
        <Fact name="Tags">
          <JobTags tags={job.tags} />
        </Fact>
      )}
      {job.priority !== 0 && <Fact name="Priority">{job.priority}</Fact>}
      <Fact name="Timeout">{formatDuration(job.timeoutMs)}</Fact>
      <Fact name="Worker">{job.workerId === null ? <Absent /> : <WorkerLink id={job.workerId} />}</Fact>
      {job.parentId !== null && (
        <Fact name="Parent">
          <JobLink jobId={job.parentId} />
        </Fact>
      )}
      {job.rootId !== job.id && (
        <Fact name="Root">
          <JobLink jobId={job.rootId} />
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function WorkerLink({ id }: { id: string }) {
  return (
    <Link to="/jobs" search={{ worker_id: id }} className="id-link breakable" title="Its jobs">
      {id}
    </Link>
  );
}

function Absent() {
  return <span className="absent">–</span>;
}
