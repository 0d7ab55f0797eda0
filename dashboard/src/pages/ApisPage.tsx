// The HTTP APIs that run beside the workers, and how the last 24 hours went.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { apisQuery, type HttpApi } from "../api/apis";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { PageHeader } from "../components/PageHeader";
import { TableSkeleton } from "../components/TableSkeleton";
import { countOf, formatCount, formatPercent } from "../format/numbers";
import { formatDuration } from "../format/time";
import { useDocumentTitle } from "../hooks/useDocumentTitle";

const FIRST_API = `import upnext

worker = upnext.Worker("demo")
api = upnext.Api("shop", port=8000)

@worker.task
async def generate_report(report_type: str) -> dict: ...

@api.post("/reports/{report_type}")
async def order_report(report_type: str) -> dict:
    future = await generate_report.submit(report_type)
    return {"job_id": future.job_id}`;

export function ApisPage() {
  useDocumentTitle("APIs");
  const { data, error } = useQuery(apisQuery());
  return (
    <>
      <PageHeader title="APIs" note={data !== undefined && `${countOf(data.filter((api) => api.active).length, "API")} running`} />
      <ErrorNotice error={error} wanted="the APIs" showsOlder={data !== undefined} />
      {data === undefined && error === null && <TableSkeleton />}
      {data?.length === 0 && (
        <EmptyState title="No API is running">
          <p>An API takes requests beside your workers, and shows here what is asked of it. Write one into the file of your tasks:</p>
          <Command>{FIRST_API}</Command>
          <p>Then install what it needs, and run the file:</p>
          <Command>{`pip install "upnext[api]"\nupnext run tasks.py`}</Command>
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && <ApiTable apis={data} />}
    </>
  );
}

function ApiTable({ apis }: { apis: HttpApi[] }) {
  return (
    <div className="table-frame">
      <table className="table">
        <caption className="visually-hidden">APIs, with figures of the last 24 hours</caption>
        <thead>
          <tr>
            <th scope="col">API</th>
            <th scope="col" className="wide-only">
              Address
            </th>
            <th scope="col" className="column-number">
              Requests
            </th>
            <th scope="col" className="column-number wide-only">
              Errors
            </th>
            <th scope="col" className="column-number wide-only">
              Median
            </th>
            <th scope="col" className="column-number wide-only">
              95 %
            </th>
            <th scope="col" className="column-status">
              State
            </th>
          </tr>
        </thead>
        <tbody>
          {apis.map((api) => (
            <ApiRow key={api.name} api={api} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ApiRow({ api }: { api: HttpApi }) {
  const addresses = api.instances.filter((instance) => instance.alive).map((instance) => instance.address);
  return (
    <tr className="row-link">
      <td className="cell-name">
        <Link to="/apis/$apiName" params={{ apiName: api.name }} className="row-target">
          {api.name}
        </Link>
        <span className="muted api-routes">{countOf(api.endpointCount, "route")}</span>
      </td>
      <td className="wide-only">{addresses.length === 0 ? <span className="absent">–</span> : <code title={addresses.join(", ")}>{addresses.join(", ")}</code>}</td>
      <td className="column-number">{formatCount(api.requests)}</td>
      <td className="column-number wide-only" data-tone={api.serverErrors > 0 ? "bad" : undefined}>
        {api.errorPercent === null ? "–" : formatPercent(api.errorPercent)}
      </td>
      <td className="column-number wide-only">{api.medianMs === null ? "–" : formatDuration(api.medianMs)}</td>
      <td className="column-number wide-only">{api.p95Ms === null ? "–" : formatDuration(api.p95Ms)}</td>
      <td>
        <span className="status" data-job-status={api.active ? "complete" : "cancelled"}>
          <span className="status-dot" aria-hidden="true" />
          {api.active ? "running" : "stopped"}
        </span>
      </td>
    </tr>
  );
}
