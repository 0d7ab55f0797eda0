// One HTTP API: its traffic, what is asked of it and how long the answers take, and its latest requests.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { apiQuery, type ApiDetail } from "../api/apis";
import { EndpointTable } from "../apis/EndpointTable";
import { Instances } from "../apis/Instances";
import { LatestRequests } from "../apis/LatestRequests";
import { TrafficPanel } from "../apis/TrafficPanel";
import { ErrorNotice } from "../components/ErrorNotice";
import { PageHeader } from "../components/PageHeader";
import { Panel } from "../components/Panel";
import { TableSkeleton } from "../components/TableSkeleton";
import { formatCount, formatPercent } from "../format/numbers";
import { formatDuration } from "../format/time";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import type { ApiSearch } from "../router/apiSearch";

const route = getRouteApi("/apis/$apiName");

export function ApiPage() {
  const { apiName } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error } = useQuery(apiQuery(apiName));
  useDocumentTitle(apiName);
  const change = (next: ApiSearch): void => {
    void navigate({ search: next, replace: true, resetScroll: false });
  };
  const { hours = 24, ...filter } = search;
  return (
    <>
      <nav className="crumbs" aria-label="Breadcrumb">
        <Link to="/apis" activeOptions={{ exact: true }}>
          APIs
        </Link>{" "}
        <span aria-hidden="true">/</span> <code>{apiName}</code>
      </nav>
      <PageHeader title={apiName}>{data !== undefined && !data.active && <span className="tag">not running</span>}</PageHeader>
      <ErrorNotice error={error} wanted="this API" showsOlder={data !== undefined} />
      {data === undefined ? error === null && <TableSkeleton /> : (
        <>
          <Figures api={data} />
          <div className="function-columns">
            <div className="panels">
              <TrafficPanel
                api={apiName}
                hours={hours}
                onHours={(chosen) => {
                  const { hours: _before, ...rest } = search;
                  change(chosen === 24 ? rest : { ...rest, hours: chosen });
                }}
              />
              <Panel title="Routes" className="panel-wide">
                {data.endpoints.length === 0 ? (
                  <p className="panel-absent">Nothing was asked for within the last 24 hours.</p>
                ) : (
                  <EndpointTable
                    endpoints={data.endpoints}
                    chosen={filter}
                    onChoose={(chosen) => {
                      const { method: _method, route: _route, ...rest } = search;
                      change({ ...rest, ...chosen });
                    }}
                  />
                )}
              </Panel>
              <LatestRequests
                api={apiName}
                filter={filter}
                onStatus={(status) => {
                  const { status: _before, ...rest } = search;
                  change(status === undefined ? rest : { ...rest, status });
                }}
              />
            </div>
            <div className="function-side">
              <Instances instances={data.instances} />
            </div>
          </div>
        </>
      )}
    </>
  );
}

function Figures({ api }: { api: ApiDetail }) {
  const time = (ms: number | null): string => (ms === null ? "–" : formatDuration(ms));
  return (
    <dl className="figures">
      <Figure title="Requests, 24 h" value={formatCount(api.requests)} />
      <Figure
        title="Server errors"
        value={api.errorPercent === null ? "–" : formatPercent(api.errorPercent)}
        note={`${formatCount(api.serverErrors)} of them, ${formatCount(api.clientErrors)} client errors`}
        tone={api.serverErrors > 0 ? "bad" : undefined}
      />
      <Figure title="Median" value={time(api.medianMs)} note={`${time(api.averageMs)} on average`} />
      <Figure title="95 % within" value={time(api.p95Ms)} />
    </dl>
  );
}

function Figure({ title, value, note, tone }: { title: string; value: string; note?: string; tone?: "bad" | undefined }) {
  return (
    <div className="card figure" data-tone={tone}>
      <dt className="figure-title">{title}</dt>
      <dd className="figure-value">{value}</dd>
      {note !== undefined && <dd className="figure-note">{note}</dd>}
    </div>
  );
}
