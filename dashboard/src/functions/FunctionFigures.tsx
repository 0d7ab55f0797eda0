// The figures of one function over the last 24 hours.
import type { RegisteredFunction } from "../api/functions";
import { formatCount, formatPercent } from "../format/numbers";
import { formatDuration } from "../format/time";

export function FunctionFigures({ function: one }: { function: RegisteredFunction }) {
  return (
    <dl className="figures">
      <Figure title="Runs, 24 h" value={formatCount(one.runs24h)} />
      <Figure title="Success" value={one.successPercent === null ? null : formatPercent(one.successPercent)} />
      <Figure title="Average run" value={lengthOf(one.averageDurationMs)} note={`95 % within ${lengthOf(one.p95DurationMs) ?? "–"}`} />
      <Figure title="Average wait" value={lengthOf(one.averageWaitMs)} note={`95 % within ${lengthOf(one.p95WaitMs) ?? "–"}`} />
      <Figure title="Waiting" value={formatCount(one.backlog)} />
    </dl>
  );
}

function lengthOf(ms: number | null): string | null {
  return ms === null ? null : formatDuration(ms);
}

function Figure({ title, value, note }: { title: string; value: string | null; note?: string }) {
  return (
    <div className="card figure">
      <dt className="figure-title">{title}</dt>
      <dd className="figure-value">{value ?? "–"}</dd>
      {note !== undefined && <dd className="figure-note">{note}</dd>}
    </div>
  );
}
