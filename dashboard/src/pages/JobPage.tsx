// One job: what went in, what came out, what it made, and how it went.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { toJsonText, type JsonValue } from "../api/json";
import { isFinished, jobQuery, type Job } from "../api/jobs";
import { jobArtifactsQuery } from "../api/artifacts";
import { JobArtifactBrowser } from "../artifacts/JobArtifactBrowser";
import { JobArtifacts } from "../artifacts/JobArtifacts";
import { ErrorNotice } from "../components/ErrorNotice";
import { JsonValueView } from "../components/JsonValueView";
import { PageHeader } from "../components/PageHeader";
import { ProgressBar } from "../components/ProgressBar";
import { StatusBadge } from "../components/StatusBadge";
import { TableSkeleton } from "../components/TableSkeleton";
import { Tabs } from "../components/Tabs";
import { TimeAgo } from "../components/TimeAgo";
import { formatCount, shortId } from "../format/numbers";
import { formatDuration } from "../format/time";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { useFeedRefresh } from "../hooks/useFeed";
import { AttemptList } from "../jobs/AttemptList";
import { JobActions } from "../jobs/JobActions";
import { JobError } from "../jobs/JobError";
import { JobFacts } from "../jobs/JobFacts";
import { JobLineage } from "../jobs/JobLineage";
import { JobLogs } from "../jobs/logs/JobLogs";
import { JobTree } from "../jobs/tree/JobTree";
import type { JobPart, JobSearch } from "../router/searches";

const route = getRouteApi("/jobs/$jobId");
const REFRESH_GAP_MS = 500;

function partsOf(artifacts: number): [JobPart, string][] {
  return [
    ["summary", "Summary"],
    ["artifacts", artifacts > 0 ? `Artifacts ${formatCount(artifacts)}` : "Artifacts"],
    ["logs", "Logs"],
    ["tree", "Tree"],
    ["lineage", "Lineage"],
  ];
}

export function JobPage() {
  const { jobId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data: job, error } = useQuery(jobQuery(jobId));
  useDocumentTitle(job === undefined ? `Job ${shortId(jobId)}` : `${job.functionName} ${shortId(jobId)}`);
  useFeedRefresh([["job", jobId]], (event) => event.jobId === jobId || (event.kind === "job" && event.rootId === job?.rootId), REFRESH_GAP_MS);
  const show = (next: JobSearch, { replace }: { replace: boolean }): void => {
    void navigate({ search: next, replace, resetScroll: false });
  };
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
      {job === undefined ? error === null && <TableSkeleton /> : <JobBody key={job.id} job={job} search={search} onSearch={show} />}
    </>
  );
}

interface JobBodyProps {
  job: Job;
  search: JobSearch;
  onSearch: (next: JobSearch, options: { replace: boolean }) => void;
}

function JobBody({ job, search, onSearch }: JobBodyProps) {
  const { part = "summary" } = search;
  const artifacts = useQuery(jobArtifactsQuery(job.id, { settled: isFinished(job) }));
  const running = job.status === "active" || job.status === "retrying";
  return (
    <>
      <div className="page-header">
        <h1>{job.functionName}</h1>
        <StatusBadge status={job.status} />
        {job.cancelRequested && !isFinished(job) && <span className="muted">is being cancelled</span>}
        {running && <ProgressBar value={job.progress} label="Progress of this job" />}
        {running && job.progressMessage !== null && <span className="muted breakable">{job.progressMessage}</span>}
        {isFinished(job) && (
          <span className="page-note">
            {job.durationMs !== null && `${formatDuration(job.durationMs)}, `}
            <TimeAgo date={job.completedAt} />
          </span>
        )}
        <JobActions job={job} />
      </div>
      <div className="job-tabs">
        <Tabs
          label="About this job"
          value={part}
          tabs={partsOf(artifacts.data?.total ?? 0)}
          onChange={(next) => {
            onSearch(next === "summary" ? {} : { part: next }, { replace: true });
          }}
        >
          <div className="job-part">
            {part === "summary" && <JobSummary job={job} />}
            {part === "artifacts" && <JobArtifactBrowser jobId={job.id} settled={isFinished(job)} search={search} onSearch={onSearch} />}
            {part === "logs" && <JobLogs job={job} />}
            {part === "tree" && <JobTree job={job} />}
            {part === "lineage" && <JobLineage job={job} />}
          </div>
        </Tabs>
      </div>
    </>
  );
}

function JobSummary({ job }: { job: Job }) {
  return (
    <div className="job-columns">
      <div className="job-content">
        <JobError job={job} />
        {job.attempts > 1 && <AttemptList job={job} />}
        <JobArtifacts jobId={job.id} settled={isFinished(job)} />
        {(job.result !== null || !isFinished(job) || job.status === "complete") && (
          <JsonSection id="result" title="Result" value={job.result} absent={isFinished(job) ? "Nothing (null)." : "None yet."} />
        )}
        <JsonSection id="arguments" title="Arguments" value={job.kwargs} absent="No arguments." />
        {job.checkpoint !== null && <JsonSection id="checkpoint" title="Checkpoint" value={job.checkpoint} absent="" />}
      </div>
      <JobFacts job={job} />
    </div>
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
      <h2 id={`${id}-heading`}>{title}</h2>
      {empty ? <p className="muted">{absent}</p> : <JsonValueView value={value} label={title} />}
    </section>
  );
}
