// The workers: which run now, how much they can do at once, and what they can do.
import { useQuery } from "@tanstack/react-query";

import { workersQuery, type Worker } from "../api/workers";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { PageHeader } from "../components/PageHeader";
import { TableSkeleton } from "../components/TableSkeleton";
import { TimeAgo } from "../components/TimeAgo";
import { countOf, formatCount } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";

export function WorkersPage() {
  useDocumentTitle("Workers");
  const { data, error } = useQuery(workersQuery());
  return (
    <>
      <PageHeader title="Workers" note={data !== undefined && countOf(data.length, "worker")} />
      <ErrorNotice error={error} wanted="the workers" showsOlder={data !== undefined} />
      {data === undefined && error === null && <TableSkeleton />}
      {data?.length === 0 && (
        <EmptyState title="No worker is running">
          <p>Start one with the file that holds your tasks:</p>
          <Command>upnext run tasks.py</Command>
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && <WorkerTable workers={data} />}
    </>
  );
}

function WorkerTable({ workers }: { workers: Worker[] }) {
  return (
    <div className="table-frame">
      <table className="table">
        <caption className="visually-hidden">Workers</caption>
        <thead>
          <tr>
            <th scope="col" className="column-status">
              State
            </th>
            <th scope="col">Worker</th>
            <th scope="col" className="column-number">
              Instances
            </th>
            <th scope="col" className="column-number wide-only">
              Busy slots
            </th>
            <th scope="col" className="column-time wide-only">
              Last seen
            </th>
            <th scope="col" className="wide-only">
              Functions
            </th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={worker.name}>
              <td>
                <span className="status" data-job-status={worker.active ? "complete" : "cancelled"}>
                  <span className="status-dot" aria-hidden="true" />
                  {worker.active ? "running" : "stopped"}
                </span>
              </td>
              <td className="cell-name">{worker.name}</td>
              <td className="column-number">{formatCount(worker.instanceCount)}</td>
              <td className="column-number wide-only">
                {formatCount(worker.busySlots)}
                <span className="muted"> / {formatCount(worker.slots)}</span>
              </td>
              <td className="column-time wide-only">
                <TimeAgo date={worker.lastSeenAt} />
              </td>
              <td className="wide-only">{worker.functionNames.join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
