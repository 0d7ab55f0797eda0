// Two tables, by their columns and numbers of rows.
import type { DifferenceOf } from "../../api/artifactContent";
import { formatCount } from "../../format/numbers";

export function TableDiff({ difference }: { difference: DifferenceOf<"table"> }) {
  const { columns_added: added, columns_removed: removed, columns_retyped: retyped } = difference;
  return (
    <>
      <p>
        Rows: {rowsOf(difference.old_rows)} before, {rowsOf(difference.new_rows)} after.
        {difference.truncated && " Only the first columns were compared."}
      </p>
      {added.length + removed.length + retyped.length === 0 ? (
        <p className="muted">The columns are the same.</p>
      ) : (
        <ul className="diff-columns">
          {removed.map((column) => (
            <ColumnLine key={`- ${column.name}`} change="removed" sign="−" name={column.name} type={column.type} />
          ))}
          {added.map((column) => (
            <ColumnLine key={`+ ${column.name}`} change="added" sign="+" name={column.name} type={column.type} />
          ))}
          {retyped.map((column) => (
            <ColumnLine key={column.name} change="retyped" sign="~" name={column.name} type={`${column.old} → ${column.new}`} />
          ))}
        </ul>
      )}
    </>
  );
}

interface ColumnLineProps {
  change: "added" | "removed" | "retyped";
  sign: string;
  name: string;
  type: string;
}

function ColumnLine({ change, sign, name, type }: ColumnLineProps) {
  return (
    <li className="diff-line" data-change={change}>
      <span className="diff-sign" aria-hidden="true">
        {sign}
      </span>
      <span className="diff-text">
        <span className="visually-hidden">column {change}: </span>
        {name} <span className="muted">{type}</span>
      </span>
    </li>
  );
}

function rowsOf(rows: number | null): string {
  return rows === null ? "not counted" : formatCount(rows);
}
