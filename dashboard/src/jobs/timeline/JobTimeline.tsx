// Jobs as bars over time, children under their parents. A pale bar is the wait, a full one the run. Drag over the scale to look
// closer; plus, minus, 0 and the arrow keys do the same.
import { useVirtualizer } from "@tanstack/react-virtual";
import { Link } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";

import { nested } from "../../api/jobHistory";
import { isFinished, type Job } from "../../api/jobs";
import { formatDuration } from "../../format/time";
import { useNow } from "../../hooks/useNow";
import { TimeScale } from "./TimeScale";
import { moved, placeOf, zoomed, type Span } from "./timeScale";

interface JobTimelineProps {
  jobs: Job[];
  /** What is shown at first; from the first job to the last moment when absent. */
  span?: Span;
  label: string;
  /** The job whose page this is. */
  current?: string;
}

const ROW_HEIGHT = 30;

export function JobTimeline({ jobs, span, label, current }: JobTimelineProps) {
  const frame = useRef<HTMLDivElement>(null);
  const now = useNow();
  const rows = useMemo(() => nested(jobs), [jobs]);
  const whole = span ?? extentOf(jobs, now);
  /** Null: the whole, however it grows. */
  const [near, setNear] = useState<Span | null>(null);
  const shown = near ?? whole;
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => frame.current, estimateSize: () => ROW_HEIGHT, overscan: 12 });
  const look = (next: Span): void => {
    setNear(next.from <= whole.from && next.to >= whole.to ? null : next);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === "+" || event.key === "=") look(zoomed(shown, whole, 0.5));
    else if (event.key === "-") look(zoomed(shown, whole, 2));
    else if (event.key === "0") setNear(null);
    else if (event.key === "ArrowLeft") look(moved(shown, whole, -0.25));
    else if (event.key === "ArrowRight") look(moved(shown, whole, 0.25));
    else return;
    event.preventDefault();
  };
  return (
    <div className="timeline card" role="group" aria-label={label} onKeyDown={onKeyDown}>
      <div className="timeline-bar">
        <div className="segmented" role="group" aria-label="Zoom">
          <button type="button" aria-label="Closer" onClick={() => { look(zoomed(shown, whole, 0.5)); }}>
            +
          </button>
          <button type="button" aria-label="Wider" disabled={near === null} onClick={() => { look(zoomed(shown, whole, 2)); }}>
            −
          </button>
          <button type="button" disabled={near === null} onClick={() => { setNear(null); }}>
            All
          </button>
        </div>
        <span className="muted timeline-length">{formatDuration(shown.to - shown.from)}</span>
        <span className="timeline-key muted">
          <span className="timeline-key-wait" /> waiting <span className="timeline-key-run" /> running
        </span>
      </div>
      <TimeScale span={shown} onSelect={look} />
      <div className="timeline-rows" ref={frame} tabIndex={0} role="group" aria-label={`${label}, rows`}>
        <div className="timeline-height" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            return (
              row !== undefined && (
                <div key={row.job.id} className="timeline-row row-link" data-selected={row.job.id === current} style={{ transform: `translateY(${start}px)` }}>
                  <Row job={row.job} depth={row.depth} span={shown} now={now} />
                </div>
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Row({ job, depth, span, now }: { job: Job; depth: number; span: Span; now: number }) {
  const { waitFrom, runFrom, end } = timesOf(job, now);
  const took = runFrom === null ? null : end - runFrom;
  return (
    <>
      <span className="timeline-name" style={{ paddingLeft: `calc(0.75rem + ${Math.min(depth, 8) * 0.9}rem)` }} data-job-status={job.status}>
        <span className="status-dot" aria-hidden="true" />
        <Link
          to="/jobs/$jobId"
          params={{ jobId: job.id }}
          className="row-target"
          title={`${job.functionName}, ${job.status}${took === null ? "" : `, ${formatDuration(took)}`}\n${job.id}`}
        >
          {job.functionName}
        </Link>
        <span className="visually-hidden">
          {job.status}
          {took !== null && `, ${formatDuration(took)}`}
        </span>
      </span>
      <span className="timeline-track" data-job-status={job.status} aria-hidden="true">
        <Bar className="timeline-wait" from={waitFrom} to={runFrom ?? end} span={span} />
        {runFrom !== null && <Bar className="timeline-run" from={runFrom} to={end} span={span} text={took === null ? "" : formatDuration(took)} />}
      </span>
    </>
  );
}

function Bar({ className, from, to, span, text }: { className: string; from: number; to: number; span: Span; text?: string }) {
  const left = Math.max(0, placeOf(from, span));
  const right = Math.min(100, placeOf(to, span));
  if (right < 0 || left > 100 || right < left) return null;
  const width = right - left;
  return (
    <>
      <span className={className} style={{ left: `${left}%`, width: `max(3px, ${width}%)` }} />
      {text !== undefined && left < 88 && (
        <span className="timeline-text" style={width > 12 ? { left: `calc(${left}% + 6px)` } : { left: `calc(${right}% + 7px)` }} data-inside={width > 12}>
          {text}
        </span>
      )}
    </>
  );
}

/** From when it was due, from when it ran, and until when: now for what goes on. */
export function timesOf(job: Job, now: number): { waitFrom: number; runFrom: number | null; end: number } {
  const waitFrom = job.createdAt.getTime();
  const end = job.completedAt?.getTime() ?? (isFinished(job) ? (job.startedAt?.getTime() ?? waitFrom) : Math.max(now, waitFrom));
  const runFrom = job.startedAt === null ? null : Math.min(job.startedAt.getTime(), end);
  return { waitFrom: Math.min(waitFrom, runFrom ?? waitFrom), runFrom, end };
}

function extentOf(jobs: Job[], now: number): Span {
  let from = Infinity;
  let to = -Infinity;
  for (const job of jobs) {
    const times = timesOf(job, now);
    from = Math.min(from, times.waitFrom);
    to = Math.max(to, times.end);
  }
  if (from > to) return { from: now - 60_000, to: now };
  // Some air, so that the last bar's length can be read.
  return { from, to: to + Math.max(10, (to - from) * 0.02) };
}
