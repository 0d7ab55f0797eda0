// Two JSON documents, value by value.
import type { DifferenceOf } from "../../api/artifactContent";
import { formatCount } from "../../format/numbers";

type JsonDifference = DifferenceOf<"json">;
type Change = JsonDifference["changes"][number];

export function JsonDiff({ difference }: { difference: JsonDifference }) {
  return (
    <>
      <p className="muted">
        {formatCount(difference.changed)} changed, {formatCount(difference.added)} added, {formatCount(difference.removed)} removed
        {difference.truncated && "; not all of it is shown"}
      </p>
      <div className="diff" tabIndex={0} role="group" aria-label="Changed values">
        {difference.changes.map((change) => (
          <div key={`${change.path} ${change.change}`} className="diff-value">
            <code className="diff-path">{readable(change.path)}</code>
            <Values change={change} />
          </div>
        ))}
      </div>
    </>
  );
}

function Values({ change }: { change: Change }) {
  return (
    <>
      {"old" in change && (
        <div className="diff-line" data-change="removed">
          <span className="diff-sign" aria-hidden="true">
            −
          </span>
          <span className="diff-text">
            <span className="visually-hidden">before: </span>
            {change.old}
          </span>
        </div>
      )}
      {"new" in change && (
        <div className="diff-line" data-change="added">
          <span className="diff-sign" aria-hidden="true">
            +
          </span>
          <span className="diff-text">
            <span className="visually-hidden">after: </span>
            {change.new}
          </span>
        </div>
      )}
    </>
  );
}

/** A JSON Pointer as one reads it: `/rows/0/name` is `rows › 0 › name`. */
function readable(pointer: string): string {
  if (pointer === "") return "(the whole document)";
  const steps = pointer.slice(1).split("/");
  return steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~")).join(" › ");
}
