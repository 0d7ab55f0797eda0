// The functions that fail most, each with how many of its runs failed.
import { Link } from "@tanstack/react-router";

import type { FailingFunction } from "../api/overview";
import { formatCount, formatPercent } from "../format/numbers";

export function FailingFunctions({ functions }: { functions: FailingFunction[] }) {
  if (functions.length === 0) return <p className="panel-absent">No function has failed.</p>;
  return (
    <ul className="job-lines">
      {functions.map((one) => {
        const share = one.total === 0 ? 0 : (100 * one.failed) / one.total;
        return (
          <li key={one.key} className="row-link">
            <span className="job-line-name">
              <Link to="/jobs" search={{ function: one.key, status: ["failed"] }} className="row-target">
                {one.name}
              </Link>
            </span>
            <span className="share" aria-hidden="true">
              <span style={{ width: `${share}%` }} />
            </span>
            <span className="job-line-end" title={`${formatPercent(share)} of its runs failed`}>
              {formatCount(one.failed)} <span className="muted">of {formatCount(one.total)}</span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
