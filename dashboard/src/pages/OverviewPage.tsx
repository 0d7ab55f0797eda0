// The start page: how the whole of it stands right now.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { isMissingCall } from "../api/client";
import { newestJobsQuery } from "../api/jobs";
import { overviewQuery, type Overview } from "../api/overview";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { LiveMark } from "../components/LiveMark";
import { PageHeader } from "../components/PageHeader";
import { Panel } from "../components/Panel";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { useFeedRefresh } from "../hooks/useFeed";
import { JobLines } from "../jobs/JobLines";
import { FailingFunctions } from "../overview/FailingFunctions";
import { Figures } from "../overview/Figures";
import { LatestArtifacts } from "../overview/LatestArtifacts";
import { TrendPanel } from "../overview/TrendPanel";

const route = getRouteApi("/");
const REFRESH_GAP_MS = 2_000;
const SHOWN = 6;

export function OverviewPage() {
  useDocumentTitle("Overview");
  const { hours = 24 } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: overview, error } = useQuery(overviewQuery());
  useFeedRefresh([["overview"], ["jobs", "newest"]], () => true, REFRESH_GAP_MS);
  const newcomer = overview !== undefined && overview.runs.total + overview.queue.queued + overview.queue.active === 0 && overview.recentRuns.length === 0;
  return (
    <>
      <PageHeader title="Overview">
        <LiveMark />
      </PageHeader>
      {isMissingCall(error) ? <NoFigures /> : <ErrorNotice error={error} wanted="the figures" showsOlder={overview !== undefined} />}
      {newcomer && <Newcomer />}
      {overview !== undefined && <Figures overview={overview} />}
      <div className="panels">
        {overview !== undefined && overview.stuck.length > 0 && <Stuck overview={overview} />}
        <div className="panel-column">
          <TrendPanel hours={hours} onHours={(chosen) => void navigate({ search: chosen === 24 ? {} : { hours: chosen }, replace: true, resetScroll: false })} />
          {overview !== undefined && <Failures overview={overview} />}
        </div>
        <div className="panel-column">
          <RunningNow />
          {overview !== undefined && <Waiting overview={overview} />}
          {overview !== undefined && <LatestRuns overview={overview} />}
        </div>
        <LatestArtifacts />
      </div>
    </>
  );
}

function RunningNow() {
  const { data, error } = useQuery(newestJobsQuery({ status: ["active"] }, SHOWN));
  return (
    <Panel
      title="Running now"
      aside={
        <Link to="/jobs" search={{ status: ["active"] }}>
          {data === undefined || data.total <= SHOWN ? "All running" : `All ${data.total.toLocaleString()}`}
        </Link>
      }
    >
      <ErrorNotice error={error} wanted="the running jobs" showsOlder={data !== undefined} />
      {data !== undefined && <JobLines jobs={data.items} absent="Nothing runs at the moment." />}
    </Panel>
  );
}

function Stuck({ overview }: { overview: Overview }) {
  return (
    <Panel title="Stuck" className="panel-warning panel-wide">
      <JobLines jobs={overview.stuck.slice(0, SHOWN)} absent="" />
    </Panel>
  );
}

function Failures({ overview }: { overview: Overview }) {
  return (
    <>
      <Panel
        title="Latest failures"
        aside={
          <Link to="/jobs" search={{ status: ["failed"] }}>
            All failed
          </Link>
        }
      >
        <JobLines jobs={overview.recentFailures.slice(0, SHOWN)} absent="Nothing has failed." end="finished" />
      </Panel>
      {overview.failingFunctions.length > 0 && (
        <Panel title="Failing functions" aside={<Link to="/functions">All functions</Link>}>
          <FailingFunctions functions={overview.failingFunctions.slice(0, SHOWN)} />
        </Panel>
      )}
    </>
  );
}

/** Only while something waits: the figure above tells when nothing does. */
function Waiting({ overview }: { overview: Overview }) {
  if (overview.oldestQueued.length === 0) return null;
  return (
    <Panel
      title="Waiting longest"
      aside={
        <Link to="/jobs" search={{ status: ["queued"] }}>
          All waiting
        </Link>
      }
    >
      <JobLines jobs={overview.oldestQueued.slice(0, SHOWN)} absent="" end="created" />
    </Panel>
  );
}

function LatestRuns({ overview }: { overview: Overview }) {
  return (
    <Panel title="Latest runs" aside={<Link to="/jobs">All jobs</Link>}>
      <JobLines jobs={overview.recentRuns.slice(0, SHOWN)} absent="No job has run yet." />
    </Panel>
  );
}

function NoFigures() {
  return (
    <div className="notice notice-waiting" role="status">
      <strong>No figures</strong>
      <p>This server is older than the dashboard and does not count jobs. Update it to see queue, failures and throughput here.</p>
    </div>
  );
}

function Newcomer() {
  return (
    <EmptyState title="Welcome. Nothing has run here yet">
      <p>Start a worker with the file that holds your tasks, then submit a job. It shows up here by itself.</p>
      <Command>{`upnext run tasks.py\nupnext call generate_report --kwargs '{"report_type": "monthly"}'`}</Command>
    </EmptyState>
  );
}
