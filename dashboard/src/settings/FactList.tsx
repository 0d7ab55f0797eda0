// Names and values as the server tells them.
import type { JsonValue } from "../api/json";
import { toJsonText } from "../api/json";

export function FactList({ facts }: { facts: Record<string, JsonValue> }) {
  return (
    <dl className="facts panel-facts">
      {Object.entries(facts).map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd className="breakable">{value === null ? <span className="absent">–</span> : typeof value === "string" ? value : toJsonText(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
