// Names and values as the server tells them.
import type { JsonValue } from "../api/json";
import { toJsonText } from "../api/json";
import { formatBytes, formatCount } from "../format/numbers";

export function FactList({ facts }: { facts: Record<string, JsonValue> }) {
  return (
    <dl className="facts panel-facts">
      {Object.entries(facts).map(([name, value]) => (
        <div key={name}>
          <dt>{name.replace(/_bytes$/, "").replaceAll("_", " ")}</dt>
          <dd className="breakable">{value === null ? <span className="absent">–</span> : shown(name, value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function shown(name: string, value: JsonValue): React.ReactNode {
  if (typeof value === "number" && name.endsWith("_bytes")) return <span title={`${formatCount(value)} bytes`}>{formatBytes(value)}</span>;
  return typeof value === "string" ? value : toJsonText(value);
}
