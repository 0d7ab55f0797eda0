// One job: what went in, what came out, what it made, and how it went.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { toJsonText, type JsonValue } from "../api/json";
import { isFinished, jobQuery, type Job } from "../api/jobs";
import { JobArtifacts } from "../artifacts/JobArtifacts";
import { CopyButton } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { JsonBlock } from "../components/JsonBlock";
import { PageHeader } from "../components/PageHeader";
import { ProgressBar } from "../components/ProgressBar";
import { StatusBadge } from "../components/StatusBadge";
import { TableSkeleton } from "../components/TableSkeleton";
import { shortId } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { JobError } from "../jobs/JobError";
import { JobFacts } from "../jobs/JobFacts";

const route = getRouteApi("/jobs/$jobId");

export function JobPage() {
  const { jobId } = route.useParams();
  const { data: job, error } = useQuery(jobQuery(jobId));
  useDocumentTitle(job === undefined ? `Job ${shortId(jobId)}` : `${job.functionName} ${shortId(jobId)}`);
  return (
    <>
      <nav className="crumbs" aria-label="Breadcrumb">
        <Link to="/jobs" activeOptions={{ exact: true }}>
          Jobs
        </Link>{" "}
        <span aria-hidden="true">/</span> <code title={jobId}>{shortId(jobId)}</code>
      </nav>
      {job === undefined && <PageHeader title={`Job ${shortId(jobId)}`} />}
      <ErrorNotice error={error} wanted="this job" showsOlder={job !== undefined} />
      {job === undefined ? error === null && <TableSkeleton /> : <JobBody job={job} />}
    </>
  );
}

function JobBody({ job }: { job: Job }) {
  const running = job.status === "active" || job.status === "retrying";
  return (
    <>
      <div className="page-header">
        <h1>{job.functionName}</h1>
        <StatusBadge status={job.status} />
        {job.cancelRequested && !isFinished(job) && <span className="muted">is being cancelled</span>}
        {running && <ProgressBar value={job.progress} label="Progress of this job" />}
        {running && job.progressMessage !== null && <span className="muted breakable">{job.progressMessage}</span>}
      </div>
      <div className="job-columns">
        <div className="job-content">
          <JobError job={job} />
          <JobArtifacts jobId={job.id} settled={isFinished(job)} />
          {(job.result !== null || !isFinished(job) || job.status === "complete") && (
            <JsonSection id="result" title="Result" value={job.result} absent={isFinished(job) ? "Nothing (null)." : "None yet."} />
          )}
          <JsonSection id="arguments" title="Arguments" value={job.kwargs} absent="No arguments." />
          {job.checkpoint !== null && <JsonSection id="checkpoint" title="Checkpoint" value={job.checkpoint} absent="" />}
        </div>
        <JobFacts job={job} />
      </div>
    </>
  );
}

interface JsonSectionProps {
  id: string;
  title: string;
  value: JsonValue;
  absent: string;
}

function JsonSection({ id, title, value, absent }: JsonSectionProps) {
  const empty = value === null || toJsonText(value) === "{}";
  return (
    <section aria-labelledby={`${id}-heading`}>
      <div className="section-heading">
        <h2 id={`${id}-heading`}>{title}</h2>
        {!empty && <CopyButton text={toJsonText(value)} label={title.toLowerCase()} />}
      </div>
      {empty ? <p className="muted">{absent}</p> : <JsonBlock value={value} label={title} />}
    </section>
  );
}
