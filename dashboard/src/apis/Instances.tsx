// The processes that serve an API.
import type { ApiInstance } from "../api/apis";
import { Panel } from "../components/Panel";
import { TimeAgo } from "../components/TimeAgo";
import { countOf, formatCount } from "../format/numbers";

const MOST_STOPPED = 5;

export function Instances({ instances }: { instances: ApiInstance[] }) {
  const alive = instances.filter((instance) => instance.alive);
  const stopped = instances.filter((instance) => !instance.alive);
  return (
    <Panel title="Instances">
      {instances.length === 0 && <p className="panel-absent">None was heard of within the last day.</p>}
      <ul className="instances">
        {[...alive, ...stopped.slice(0, MOST_STOPPED)].map((instance) => (
          <li key={instance.id} className="instance" data-alive={instance.alive}>
            <div className="instance-line">
              <code className="breakable">{instance.address}</code>
              <span className="status" data-job-status={instance.alive ? "complete" : "cancelled"}>
                <span className="status-dot" aria-hidden="true" />
                {instance.alive ? "running" : instance.stoppedAt === null ? "vanished" : "stopped"}
              </span>
            </div>
            <div className="muted instance-facts">
              {instance.hostname}, process {instance.pid}, version {instance.version}, {instance.alive ? "since " : ""}
              <TimeAgo date={instance.alive ? instance.startedAt : (instance.stoppedAt ?? instance.lastSeenAt)} />
              {instance.dropped > 0 && `; ${countOf(instance.dropped, "request")} not recorded, too many came at once`}
            </div>
          </li>
        ))}
        {stopped.length > MOST_STOPPED && <li className="muted instance">and {formatCount(stopped.length - MOST_STOPPED)} more that stopped within a day</li>}
      </ul>
    </Panel>
  );
}
