// When a cron function runs next. The first moment is the server's own; the ones after it follow from the schedule, where that
// moment agrees with it.
import type { RegisteredFunction } from "../api/functions";
import { Panel } from "../components/Panel";
import { nextRuns } from "../format/cron";
import { exactTime, plannedTime, relativeTime } from "../format/time";
import { useNow } from "../hooks/useNow";

const SHOWN = 5;

export function NextRuns({ function: one }: { function: RegisteredFunction }) {
  const now = useNow();
  const runs = runsOf(one);
  return (
    <Panel title="Next runs">
      {one.paused && <p className="panel-absent">It is paused: its jobs wait until it is resumed.</p>}
      {runs.length === 0 ? <p className="panel-absent">{one.active ? "Not known yet." : "None while no worker offers it."}</p> : (
        <ol className="next-runs">
          {runs.map((run) => (
            <li key={run.getTime()}>
              <time dateTime={run.toISOString()} title={exactTime(run)}>
                {plannedTime(run)}
              </time>
              <span className="muted">{relativeTime(run, now)}</span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

function runsOf({ nextRunAt, trigger, zone }: RegisteredFunction): Date[] {
  if (nextRunAt === null) return [];
  const before = new Date(nextRunAt.getTime() - 1);
  const computed = trigger === null ? null : nextRuns(trigger, before, SHOWN, zone);
  // Else only what the server said is certain.
  return computed?.[0]?.getTime() === nextRunAt.getTime() ? computed : [nextRunAt];
}
