// The latest requests of an API, as they come, all or those of one route or class of statuses.
import { useQuery } from "@tanstack/react-query";

import { REQUEST_STATUSES, requestsQuery, type ApiRequest, type RequestFilter, type RequestStatus } from "../api/apis";
import { ErrorNotice } from "../components/ErrorNotice";
import { FilterSelect } from "../components/FilterSelect";
import { Panel } from "../components/Panel";
import { TimeAgo } from "../components/TimeAgo";
import { formatDuration } from "../format/time";

const LABELS: Record<RequestStatus, string> = { "2xx": "2xx, it worked", "3xx": "3xx, it is elsewhere", "4xx": "4xx, client errors", "5xx": "5xx, server errors" };
const CHOICES = [{ value: "", label: "All statuses" }, ...REQUEST_STATUSES.map((value) => ({ value, label: LABELS[value] }))];

interface LatestRequestsProps {
  api: string;
  filter: RequestFilter;
  onStatus: (status: RequestStatus | undefined) => void;
}

export function LatestRequests({ api, filter, onStatus }: LatestRequestsProps) {
  const { data, error } = useQuery(requestsQuery(api, filter));
  return (
    <Panel
      title={filter.route === undefined ? "Latest requests" : `Latest requests of ${filter.method ?? ""} ${filter.route}`}
      className="panel-wide"
      aside={
        <FilterSelect
          label="Status"
          value={filter.status ?? ""}
          choices={CHOICES}
          onChange={(value) => {
            onStatus(REQUEST_STATUSES.find((one) => one === value));
          }}
        />
      }
    >
      <ErrorNotice error={error} wanted="the requests" showsOlder={data !== undefined} />
      {data?.length === 0 && <p className="panel-absent">No such request is kept.</p>}
      {data !== undefined && data.length > 0 && (
        <ul className="job-lines requests" aria-label="Requests, the latest first">
          {data.map((request) => (
            <RequestLine key={request.id} request={request} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function RequestLine({ request }: { request: ApiRequest }) {
  return (
    <li>
      <span className="status request-status" data-job-status={toneOf(request.status)}>
        {request.status}
      </span>
      <span className="job-line-name">
        <span className="method">{request.method}</span> {request.route}
        {request.error !== null && <span className="job-line-error">{request.error}</span>}
      </span>
      <span className="job-line-end">{formatDuration(request.durationMs)}</span>
      <span className="job-line-end muted request-time">
        <TimeAgo date={request.at} />
      </span>
    </li>
  );
}

/** The colour of a job's status that means the same. */
function toneOf(status: number): string {
  if (status >= 500) return "failed";
  if (status >= 400) return "retrying";
  return status >= 300 ? "queued" : "complete";
}
