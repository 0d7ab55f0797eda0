// Jobs as table rows, of which only those in sight are in the page. The whole row leads to the job: its link is stretched
// over it. The box at its begin selects it.
import { Link } from "@tanstack/react-router";
import { memo, useCallback, useRef } from "react";

import type { Job } from "../api/jobs";
import { JobDuration } from "../components/JobDuration";
import { moveBetweenRows } from "../components/moveBetweenRows";
import { ProgressBar } from "../components/ProgressBar";
import { RowGap } from "../components/RowGap";
import { StatusBadge } from "../components/StatusBadge";
import { TimeAgo } from "../components/TimeAgo";
import { shortId } from "../format/numbers";
import { useNarrow } from "../hooks/useNarrow";
import { useRowsInSight } from "../hooks/useRowsInSight";
import { argumentsInBrief } from "./argumentsText";
import { JobTags } from "./JobTags";

/** The same as in the style sheet. */
const ROW_HEIGHT = 41;
const NARROW_ROW_HEIGHT = 66;
/** Tags that a row shows. */
const MOST_TAGS = 3;

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
  const { indexes, before, after } = useRowsInSight(frame, jobs.length, narrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT, onNearEnd);
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
            if (event.key === "x") toggleFocused(event, toggle);
            else moveBetweenRows(event);
          }}
        >
          <RowGap height={before} />
          {indexes.map((index) => {
            const job = jobs[index];
            return job !== undefined && <JobRow key={job.id} job={job} index={index} selected={selected.has(job.id)} onToggle={toggle} />;
          })}
          <RowGap height={after} />
        </tbody>
      </table>
    </div>
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
          {job.status === "failed" && job.error !== null ? (
            <span className="wide-only-inline row-error">{job.error}</span>
          ) : (
            <span className="wide-only-inline muted row-arguments">{argumentsInBrief(job.kwargs)}</span>
          )}
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

function toggleFocused(event: React.KeyboardEvent, toggle: (id: string) => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const id = document.activeElement?.closest<HTMLElement>("tr[data-job]")?.dataset["job"];
  if (id !== undefined) toggle(id);
}
