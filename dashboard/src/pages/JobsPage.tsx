// The list of jobs, newest first, with its filters in the address bar.
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { jobsQuery } from "../api/jobs";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { LoadMore } from "../components/LoadMore";
import { PageHeader } from "../components/PageHeader";
import { TableSkeleton } from "../components/TableSkeleton";
import { countOf } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { JobFilters } from "../jobs/JobFilters";
import { JobTable } from "../jobs/JobTable";

const route = getRouteApi("/jobs");

export function JobsPage() {
  useDocumentTitle("Jobs");
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const jobs = useInfiniteQuery(jobsQuery(filter));
  const rows = jobs.data?.pages.flatMap((page) => page.items);
  const total = jobs.data?.pages[0]?.total ?? 0;
  const filtered = filter.status !== undefined || filter.function !== undefined;
  const clear = () => navigate({ search: {} });

  return (
    <>
      <PageHeader title="Jobs" note={rows !== undefined && countOf(total, "job")} />
      <JobFilters filter={filter} onChange={(next) => navigate({ search: next, replace: true })} />
      <ErrorNotice error={jobs.error} wanted="the jobs" showsOlder={rows !== undefined} />
      {rows === undefined && jobs.error === null && <TableSkeleton />}
      {rows !== undefined && rows.length > 0 && <JobTable jobs={rows} />}
      {rows?.length === 0 && (filtered ? <NoMatch onClear={clear} /> : <NoJobs />)}
      <LoadMore
        shown={rows?.length ?? 0}
        total={jobs.data?.pages[0]}
        hasMore={jobs.hasNextPage}
        loading={jobs.isFetchingNextPage}
        onLoad={() => void jobs.fetchNextPage()}
      />
    </>
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
      <p>No job has this status and function.</p>
      <button type="button" className="button" onClick={onClear}>
        Show all jobs
      </button>
    </EmptyState>
  );
}
