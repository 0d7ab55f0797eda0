// What is asked of an API, by method and route. A row chooses whose requests are shown below.
import type { ApiEndpoint } from "../api/apis";
import { formatCount, formatPercent } from "../format/numbers";
import { formatDuration } from "../format/time";

interface EndpointTableProps {
  endpoints: ApiEndpoint[];
  chosen: { method?: string; route?: string };
  onChoose: (chosen: { method?: string; route?: string }) => void;
}

export function EndpointTable({ endpoints, chosen, onChoose }: EndpointTableProps) {
  return (
    <table className="table endpoints">
      <caption className="visually-hidden">Routes of the last 24 hours, the most wanted first</caption>
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col" className="column-number">
            Requests
          </th>
          <th scope="col" className="column-number">
            Errors
          </th>
          <th scope="col" className="column-number wide-only">
            Median
          </th>
          <th scope="col" className="column-number wide-only">
            95 %
          </th>
        </tr>
      </thead>
      <tbody>
        {endpoints.map((one) => {
          const isChosen = chosen.method === one.method && chosen.route === one.route;
          return (
            <tr key={`${one.method} ${one.route}`} className="row-link" data-selected={isChosen}>
              <td className="cell-name">
                <button
                  type="button"
                  className="row-target endpoint-name"
                  aria-pressed={isChosen}
                  title={isChosen ? "Show the requests of all routes" : "Show only its requests"}
                  onClick={() => {
                    onChoose(isChosen ? {} : { method: one.method, route: one.route });
                  }}
                >
                  <span className="method">{one.method}</span> {one.route}
                </button>
              </td>
              <td className="column-number">{formatCount(one.requests)}</td>
              <td className="column-number" data-tone={one.serverErrors > 0 ? "bad" : undefined}>
                {one.errorPercent === null ? "–" : formatPercent(one.errorPercent)}
              </td>
              <td className="column-number wide-only">{one.medianMs === null ? "–" : formatDuration(one.medianMs)}</td>
              <td className="column-number wide-only">{one.p95Ms === null ? "–" : formatDuration(one.p95Ms)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
