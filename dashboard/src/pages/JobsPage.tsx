// The list of jobs, newest first, as a table or over time, with its filters in the address bar.
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";

import { PAGE_SIZE, type JobFilter } from "../api/jobs";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { LiveMark } from "../components/LiveMark";
import { NewsButton } from "../components/NewsButton";
import { PageHeader } from "../components/PageHeader";
import { Segmented } from "../components/Segmented";
import { TableSkeleton } from "../components/TableSkeleton";
import { countOf } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { useScrolled } from "../hooks/useScrolled";
import { BulkBar } from "../jobs/BulkBar";
import { JobFilters } from "../jobs/JobFilters";
import { JobsTimeline } from "../jobs/JobsTimeline";
import { JobTable } from "../jobs/JobTable";
import { MOST_COUNTED, useJobList } from "../jobs/useJobList";

const route = getRouteApi("/jobs");

/** Further down the list holds still. */
const TOP_PX = 160;

const VIEWS = [
  ["table", "Table"],
  ["timeline", "Timeline"],
] as const;

const NONE: ReadonlySet<string> = new Set();

export function JobsPage() {
  useDocumentTitle("Jobs");
  const { view = "table", ...filter } = route.useSearch();
  const navigate = route.useNavigate();
  const filtered = Object.keys(filter).length > 0;
  const show = (next: JobFilter): void => {
    void navigate({ search: { ...next, ...(view === "timeline" && { view }) }, replace: true });
  };
  const absent = filtered ? <NoMatch onClear={() => { show({}); }} /> : <NoJobs />;
  return (
    <>
      <PageHeader title="Jobs">
        <LiveMark />
        <Segmented
          label="View"
          value={view}
          choices={VIEWS}
          onChange={(next) => void navigate({ search: { ...filter, ...(next === "timeline" && { view: next }) }, replace: true })}
        />
      </PageHeader>
      <JobFilters filter={filter} onChange={show} />
      {view === "timeline" ? <JobsTimeline filter={filter} absent={absent} /> : <JobsTable filter={filter} absent={absent} />}
    </>
  );
}

function JobsTable({ filter, absent }: { filter: JobFilter; absent: React.ReactNode }) {
  const [selected, setSelected] = useState(NONE);
  const narrowing = JSON.stringify(filter);
  const [shown, setShown] = useState(narrowing);
  // What is selected is always in sight. The table itself stays until the other jobs are there.
  if (shown !== narrowing) {
    setShown(narrowing);
    setSelected(NONE);
  }
  const scrolled = useScrolled(TOP_PX);
  const { jobs, news, showNews } = useJobList(filter, scrolled || selected.size > 0);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = jobs;
  const rows = jobs.data?.pages.flatMap((page) => page.items);
  // A search knows what it has found so far; where its last page came up short, going on is for the reader to say.
  const searching = filter.text !== undefined;
  const total = searching ? (rows?.length ?? 0) : (jobs.data?.pages[0]?.total ?? 0);
  const cameUpShort = searching && hasNextPage && (jobs.data?.pages.at(-1)?.items.length ?? 0) < PAGE_SIZE;
  const clear = (): void => {
    setSelected(NONE);
  };
  return (
    <>
      <ErrorNotice error={jobs.error} wanted="the jobs" showsOlder={rows !== undefined} />
      {rows === undefined && jobs.error === null && <TableSkeleton />}
      {rows !== undefined && (
        <div className="list-line">
          <span className="muted" role="status">
            {searching && hasNextPage ? `${countOf(total, "job")} found so far` : countOf(total, "job")}
          </span>
          <BulkBar jobs={rows.filter((job) => selected.has(job.id))} onClear={clear} />
        </div>
      )}
      <NewsButton
        news={news}
        most={MOST_COUNTED}
        onShow={() => {
          clear();
          showNews();
        }}
      />
      {rows !== undefined && rows.length > 0 && (
        <JobTable
          jobs={rows}
          selected={selected}
          onSelect={setSelected}
          onNearEnd={() => {
            if (hasNextPage && !isFetchingNextPage && !cameUpShort) void fetchNextPage();
          }}
        />
      )}
      {rows?.length === 0 && !cameUpShort && absent}
      {cameUpShort && !isFetchingNextPage && <LookFurther found={total} onLook={() => void fetchNextPage()} />}
      {isFetchingNextPage && (
        <p className="list-end muted" role="status">
          {searching ? "Looking further back…" : "Loading more…"}
        </p>
      )}
      {rows !== undefined && rows.length > 0 && !hasNextPage && <p className="list-end muted">That is all.</p>}
    </>
  );
}

function LookFurther({ found, onLook }: { found: number; onLook: () => void }) {
  return (
    <div className="load-more">
      <span className="muted">{found === 0 ? "None of the newest jobs holds this text." : "That is all among the newest jobs."}</span>
      <button type="button" className="button" onClick={onLook}>
        Look further back
      </button>
    </div>
  );
}

function NoJobs() {
  return (
    <EmptyState title="No jobs yet">
      <p>Start a worker, then submit a job. It shows up here by itself.</p>
      <Command>{`upnext run tasks.py\nupnext call generate_report --kwargs '{"report_type": "monthly"}'`}</Command>
    </EmptyState>
  );
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <EmptyState title="No job matches">
      <p>No job fits all of the filters.</p>
      <button type="button" className="button" onClick={onClear}>
        Show all jobs
      </button>
    </EmptyState>
  );
}
