// The tree of a job as a drawing: boxes from left to right, each leads to its job.
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";

import type { Job } from "../../api/jobs";
import { JobDuration } from "../../components/JobDuration";
import { treeLayout } from "./treeLayout";

const BOX_WIDTH = 208;
const BOX_HEIGHT = 46;
const COLUMN = BOX_WIDTH + 56;
const ROW = BOX_HEIGHT + 12;
const PADDING = 16;
/** More boxes than this are no drawing any more. */
export const MOST_BOXES = 300;

export function JobGraph({ jobs, current }: { jobs: Job[]; current: string }) {
  const layout = useMemo(() => treeLayout(jobs.slice(0, MOST_BOXES)), [jobs]);
  const width = 2 * PADDING + layout.columns * COLUMN - (COLUMN - BOX_WIDTH);
  const height = 2 * PADDING + layout.rows * ROW - (ROW - BOX_HEIGHT);
  const left = (column: number): number => PADDING + column * COLUMN;
  const top = (row: number): number => PADDING + row * ROW;
  return (
    <div className="graph card" role="group" aria-label="Tree of jobs" tabIndex={0}>
      <div className="graph-place" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {layout.edges.map(({ from, to }) => {
            const x1 = left(from.column) + BOX_WIDTH;
            const x2 = left(to.column);
            const y1 = top(from.row) + BOX_HEIGHT / 2;
            const y2 = top(to.row) + BOX_HEIGHT / 2;
            const middle = (x1 + x2) / 2;
            return <path key={to.job.id} d={`M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`} />;
          })}
        </svg>
        {layout.placed.map(({ job, column, row }) => (
          <Link
            key={job.id}
            to="/jobs/$jobId"
            params={{ jobId: job.id }}
            search={{ part: "tree" }}
            className="graph-box"
            data-job-status={job.status}
            aria-current={job.id === current ? "page" : undefined}
            style={{ left: left(column), top: top(row), width: BOX_WIDTH, height: BOX_HEIGHT }}
            title={`${job.functionName}, ${job.status}\n${job.id}`}
          >
            <span className="graph-name">{job.functionName}</span>
            <span className="graph-facts">
              <span className="status-dot" aria-hidden="true" />
              {job.status}
              <span className="graph-time">
                <JobDuration job={job} />
              </span>
            </span>
          </Link>
        ))}
      </div>
    </div>
  );
}
