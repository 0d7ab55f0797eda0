// The row of figures at the top of the start page; each leads to what it counts.
import { Link, type LinkProps } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Overview } from "../api/overview";
import { SlotBar } from "../components/SlotBar";
import { formatBytes, formatCount, formatPercent } from "../format/numbers";
import { formatDuration } from "../format/time";

export function Figures({ overview }: { overview: Overview }) {
  const { runs, queue, workers, artifacts } = overview;
  const waiting = queue.queued + queue.retrying;
  return (
    <ul className="figures figures-six">
      <Figure
        title={`Runs, ${runs.windowHours} h`}
        value={formatCount(runs.total)}
        note={`${formatCount(runs.succeeded)} complete, ${formatCount(runs.failed)} failed`}
        to={{ to: "/jobs" }}
      />
      <Figure
        title="Success"
        value={runs.successPercent === null ? "–" : formatPercent(runs.successPercent)}
        note={runs.failed === 0 ? "Nothing failed" : `${formatCount(runs.failed)} failed`}
        tone={runs.successPercent !== null && runs.successPercent < 90 ? "bad" : undefined}
        to={{ to: "/jobs", search: { status: ["failed"] } }}
      />
      <Figure
        title="Waiting"
        value={formatCount(waiting)}
        note={queue.oldestQueuedMs === null ? "Nothing waits" : `The oldest for ${formatDuration(queue.oldestQueuedMs)}`}
        to={{ to: "/jobs", search: { status: ["queued", "retrying"] } }}
      />
      <Figure
        title="Running"
        value={formatCount(queue.active)}
        note={queue.pending === 0 ? "None scheduled for later" : `${formatCount(queue.pending)} scheduled for later`}
        to={{ to: "/jobs", search: { status: ["active"] } }}
      />
      <Figure
        title="Workers"
        value={formatCount(workers.alive)}
        note={workers.alive === 0 ? "None is running" : <SlotBar busy={workers.busySlots} slots={workers.slots} mostCells={12} />}
        tone={workers.alive === 0 && waiting > 0 ? "bad" : undefined}
        to={{ to: "/workers" }}
      />
      <Figure
        title="Artifacts"
        value={formatCount(artifacts.count)}
        note={`${formatBytes(artifacts.logicalBytes)}, stored in ${formatBytes(artifacts.storedBytes)}`}
        to={{ to: "/artifacts" }}
      />
    </ul>
  );
}

interface FigureProps {
  title: string;
  value: string;
  note: ReactNode;
  tone?: "bad" | undefined;
  to: LinkProps;
}

function Figure({ title, value, note, tone, to }: FigureProps) {
  return (
    <li className="card figure row-link" data-tone={tone}>
      <Link {...to} className="row-target figure-title">
        {title}
      </Link>
      <span className="figure-value">{value}</span>
      <span className="figure-note">{note}</span>
    </li>
  );
}
