// Jobs as table rows, of which only those in sight are in the page. The whole row leads to the job: its link is stretched
// over it. The box at its begin selects it.
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { Link } from "@tanstack/react-router";
import { memo, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

import type { Job } from "../api/jobs";
import { JobDuration } from "../components/JobDuration";
import { ProgressBar } from "../components/ProgressBar";
import { StatusBadge } from "../components/StatusBadge";
import { TimeAgo } from "../components/TimeAgo";
import { shortId } from "../format/numbers";
import { useNarrow } from "../hooks/useNarrow";
import { JobTags } from "./JobTags";

/** The same as in the style sheet. */
const ROW_HEIGHT = 41;
const NARROW_ROW_HEIGHT = 66;
/** Tags that a row shows. */
const MOST_TAGS = 3;
/** The next page is asked for when so few rows are left. */
const ROWS_AHEAD = 30;

interface JobTableProps {
  jobs: Job[];
  selected: ReadonlySet<string>;
  onSelect: React.Dispatch<React.SetStateAction<ReadonlySet<string>>>;
  /** Called when the end comes near. */
  onNearEnd: () => void;
}

export function JobTable({ jobs, selected, onSelect, onNearEnd }: JobTableProps) {
  const narrow = useNarrow();
  const frame = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    setTop(frame.current?.offsetTop ?? 0);
  }, [jobs.length]);
  const rows = useWindowVirtualizer({
    count: jobs.length,
    estimateSize: () => (narrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT),
    overscan: 20,
    scrollMargin: top,
  });
  useEffect(() => {
    rows.measure();
  }, [rows, narrow]);
  const shown = rows.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (lastShown >= jobs.length - ROWS_AHEAD) onNearEnd();
  }, [lastShown, jobs.length, onNearEnd]);
  const before = (shown[0]?.start ?? top) - top;
  const after = rows.getTotalSize() - ((shown.at(-1)?.end ?? top) - top);
  const toggle = useCallback(
    (id: string): void => {
      onSelect((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      });
    },
    [onSelect],
  );
  const all = jobs.length > 0 && jobs.every((job) => selected.has(job.id));
  return (
    <div className="table-frame" ref={frame}>
      <table className="table job-table" aria-rowcount={jobs.length + 1}>
        <caption className="visually-hidden">Jobs, newest first</caption>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="column-select">
              <input
                type="checkbox"
                aria-label="Select all jobs that are shown"
                checked={all}
                onChange={() => {
                  onSelect(all ? new Set() : new Set(jobs.map((job) => job.id)));
                }}
              />
            </th>
            <th scope="col" className="column-status wide-only">
              Status
            </th>
            <th scope="col">Function</th>
            <th scope="col" className="column-id wide-only">
              Job
            </th>
            <th scope="col" className="column-time">
              Created
            </th>
            <th scope="col" className="column-number wide-only">
              Duration
            </th>
            <th scope="col" className="column-number wide-only">
              Attempts
            </th>
          </tr>
        </thead>
        <tbody
          onKeyDown={(event) => {
            moveBetweenRows(event, toggle);
          }}
        >
          {before > 0 && <Gap height={before} />}
          {shown.map(({ index }) => {
            const job = jobs[index];
            return job !== undefined && <JobRow key={job.id} job={job} index={index} selected={selected.has(job.id)} onToggle={toggle} />;
          })}
          {after > 0 && <Gap height={after} />}
        </tbody>
      </table>
    </div>
  );
}

/** The rows that are out of sight, as room. */
function Gap({ height }: { height: number }) {
  return (
    <tr aria-hidden="true" className="row-gap">
      <td colSpan={7} style={{ height }} />
    </tr>
  );
}

interface JobRowProps {
  job: Job;
  index: number;
  selected: boolean;
  onToggle: (id: string) => void;
}

const JobRow = memo(
  function JobRow({ job, index, selected, onToggle }: JobRowProps) {
    return (
      <tr className="row-link" data-selected={selected} data-job={job.id} aria-rowindex={index + 2}>
        <td className="column-select">
          <input
            type="checkbox"
            aria-label={`Select ${job.functionName} ${shortId(job.id)}`}
            checked={selected}
            onChange={() => {
              onToggle(job.id);
            }}
          />
        </td>
        <td className="wide-only">
          <StatusBadge status={job.status} />
        </td>
        <td className="cell-name cell-above">
          <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="row-target">
            {job.functionName}
          </Link>
          {(job.type === "cron" || job.type === "event") && <span className="tag">{job.type}</span>}
          <JobTags tags={job.tags} most={MOST_TAGS} />
          {job.status === "active" && job.progress > 0 && <ProgressBar value={job.progress} label="Progress" />}
          {job.status === "failed" && job.error !== null && <span className="wide-only-inline muted row-error">{job.error}</span>}
          <span className="narrow-only muted subline">
            <StatusBadge status={job.status} /> <JobDuration job={job} />
          </span>
        </td>
        <td className="wide-only">
          <code title={job.id}>{shortId(job.id)}</code>
        </td>
        <td className="column-time">
          <TimeAgo date={job.createdAt} />
        </td>
        <td className="column-number wide-only">
          <JobDuration job={job} />
        </td>
        <td className="column-number wide-only" title={`Attempt ${job.attempts} of at most ${job.maxAttempts}`}>
          {job.attempts}
          <span className="muted"> / {job.maxAttempts}</span>
        </td>
      </tr>
    );
  },
  (before, after) => before.job === after.job && before.selected === after.selected && before.index === after.index && before.onToggle === after.onToggle,
);

const STEPS: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

function moveBetweenRows(event: React.KeyboardEvent<HTMLTableSectionElement>, toggle: (id: string) => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const active = document.activeElement;
  const row = active?.closest<HTMLElement>("tr[data-job]");
  if (row === null || row === undefined) return;
  const id = row.dataset["job"];
  if (event.key === "x" && id !== undefined) {
    toggle(id);
    return;
  }
  const step = STEPS[event.key];
  if (step === undefined) return;
  const next = step === 1 ? row.nextElementSibling : row.previousElementSibling;
  event.preventDefault();
  next?.querySelector<HTMLElement>(".row-target")?.focus();
}
