// The workers: which run now, how much they can do at once, what each of them is running, and what they can do.
import { useQuery } from "@tanstack/react-query";

import { newestJobsQuery, type Job } from "../api/jobs";
import { toWorkers, workersQuery, workersStreamUrl, WORKERS_KEY, type Worker } from "../api/workers";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { LiveMark } from "../components/LiveMark";
import { PageHeader } from "../components/PageHeader";
import { TableSkeleton } from "../components/TableSkeleton";
import { countOf, formatCount } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { useFeedRefresh } from "../hooks/useFeed";
import { useSnapshots } from "../hooks/useSnapshots";
import { WorkerCard } from "../workers/WorkerCard";

const REFRESH_GAP_MS = 1_000;
/** Jobs that run now, of all workers together. */
const MOST_RUNNING = 500;

export function WorkersPage() {
  useDocumentTitle("Workers");
  const streamed = useSnapshots(WORKERS_KEY, workersStreamUrl(), toWorkers);
  const { data, error } = useQuery(workersQuery(streamed));
  const running = useQuery(newestJobsQuery({ status: ["active"] }, MOST_RUNNING));
  useFeedRefresh([["jobs", "newest"]], (event) => event.kind === "job" && event.type !== "job.progress", REFRESH_GAP_MS);
  const jobs = byWorker(running.data?.items ?? []);
  return (
    <>
      <PageHeader title="Workers" note={data !== undefined && noteOf(data)}>
        <LiveMark />
      </PageHeader>
      <ErrorNotice error={error} wanted="the workers" showsOlder={data !== undefined} />
      {data === undefined && error === null && <TableSkeleton />}
      {data?.length === 0 && (
        <EmptyState title="No worker is running">
          <p>Start one with the file that holds your tasks:</p>
          <Command>upnext run tasks.py</Command>
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && <WorkerCards workers={data} jobs={jobs} />}
    </>
  );
}

function WorkerCards({ workers, jobs }: { workers: Worker[]; jobs: Map<string | null, Job[]> }) {
  const ordered = workers.toSorted((a, b) => Number(b.active) - Number(a.active) || a.name.localeCompare(b.name));
  return (
    <div className="worker-cards">
      {ordered.map((worker) => (
        <WorkerCard key={worker.name} worker={worker} jobs={jobs} />
      ))}
    </div>
  );
}

function noteOf(workers: Worker[]): string {
  const slots = workers.reduce((sum, worker) => sum + (worker.active ? worker.slots : 0), 0);
  const busy = workers.reduce((sum, worker) => sum + worker.busySlots, 0);
  return `${countOf(workers.filter((worker) => worker.active).length, "worker")} running, ${formatCount(busy)} of ${countOf(slots, "slot")} busy`;
}

function byWorker(jobs: Job[]): Map<string | null, Job[]> {
  const groups = new Map<string | null, Job[]>();
  for (const job of jobs) {
    const group = groups.get(job.workerId);
    if (group === undefined) groups.set(job.workerId, [job]);
    else group.push(job);
  }
  return groups;
}
