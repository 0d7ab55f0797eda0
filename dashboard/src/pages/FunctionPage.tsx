// One function: how it does, its newest jobs, and the ways to run, pause and resume it.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { functionQuery, pauseMutation, type RegisteredFunction } from "../api/functions";
import { newestJobsQuery } from "../api/jobs";
import { ErrorNotice } from "../components/ErrorNotice";
import { FailedAction } from "../components/FailedAction";
import { PageHeader } from "../components/PageHeader";
import { Panel } from "../components/Panel";
import { TableSkeleton } from "../components/TableSkeleton";
import { FunctionFacts } from "../functions/FunctionFacts";
import { FunctionFigures } from "../functions/FunctionFigures";
import { NextRuns } from "../functions/NextRuns";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { useFeedRefresh } from "../hooks/useFeed";
import { JobLines } from "../jobs/JobLines";
import { SubmitDialog } from "../jobs/SubmitDialog";
import { TrendPanel } from "../overview/TrendPanel";

const route = getRouteApi("/functions/$functionKey");
const REFRESH_GAP_MS = 2_000;
const SHOWN = 15;

export function FunctionPage() {
  const { functionKey } = route.useParams();
  const { hours = 24, run } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error } = useQuery(functionQuery(functionKey));
  useDocumentTitle(data?.name ?? functionKey);
  useFeedRefresh([["functions", functionKey], ["jobs", "newest"]], (event) => event.kind === "job" && event.functionKey === functionKey, REFRESH_GAP_MS);
  return (
    <>
      <nav className="crumbs" aria-label="Breadcrumb">
        <Link to="/functions" activeOptions={{ exact: true }}>
          Functions
        </Link>{" "}
        <span aria-hidden="true">/</span> <code>{functionKey}</code>
      </nav>
      {data === undefined && <PageHeader title={functionKey} />}
      <ErrorNotice error={error} wanted="this function" showsOlder={data !== undefined} />
      {data === undefined ? error === null && <TableSkeleton /> : (
        <>
          <FunctionHeader
            function={data}
            running={run === "now"}
            onRunning={(open) => void navigate({ search: ({ run: _, ...search }) => ({ ...search, ...(open && { run: "now" as const }) }), replace: true, resetScroll: false })}
          />
          <FunctionFigures function={data} />
          <div className="function-columns">
            <div className="panels">
              <TrendPanel
                functionKey={functionKey}
                hours={hours}
                onHours={(chosen) => void navigate({ search: ({ hours: _, ...search }) => ({ ...search, ...(chosen !== 24 && { hours: chosen }) }), replace: true, resetScroll: false })}
              />
              <RecentRuns functionKey={functionKey} />
            </div>
            <div className="function-side">
              {data.type === "cron" && <NextRuns function={data} />}
              <FunctionFacts function={data} />
            </div>
          </div>
        </>
      )}
    </>
  );
}

interface FunctionHeaderProps {
  function: RegisteredFunction;
  /** Whether the form that runs it is open. */
  running: boolean;
  onRunning: (running: boolean) => void;
}

function FunctionHeader({ function: one, running, onRunning }: FunctionHeaderProps) {
  const client = useQueryClient();
  const pause = useMutation(pauseMutation(client, one.key));
  return (
    <>
      <div className="page-header">
        <h1>{one.name}</h1>
        <span className="tag">{one.type}</span>
        {one.paused && <span className="tag tag-warning">paused</span>}
        {!one.active && <span className="tag">no worker</span>}
        <div className="job-actions">
          <button
            type="button"
            className="button"
            disabled={pause.isPending}
            title={one.paused ? "Its waiting jobs run again" : "Jobs are accepted, but none is run until it is resumed"}
            onClick={() => {
              pause.mutate(!one.paused);
            }}
          >
            {one.paused ? "Resume" : "Pause"}
          </button>
          <button
            type="button"
            className="button button-primary"
            onClick={() => {
              onRunning(true);
            }}
          >
            Run now…
          </button>
        </div>
      </div>
      <FailedAction error={pause.error} title={one.paused ? "It was not resumed" : "It was not paused"} />
      {running && (
        <SubmitDialog
          title={`Run ${one.name}`}
          functionKey={one.key}
          functionName={one.name}
          kwargs={{}}
          onClose={() => {
            onRunning(false);
          }}
        />
      )}
    </>
  );
}

function RecentRuns({ functionKey }: { functionKey: string }) {
  const { data, error } = useQuery(newestJobsQuery({ function: functionKey }, SHOWN));
  return (
    <Panel
      title="Newest jobs"
      className="panel-wide"
      aside={
        <Link to="/jobs" search={{ function: functionKey }}>
          All jobs
        </Link>
      }
    >
      <ErrorNotice error={error} wanted="its jobs" showsOlder={data !== undefined} />
      {data !== undefined && <JobLines jobs={data.items} absent="It has not run yet." ofOneFunction />}
    </Panel>
  );
}
