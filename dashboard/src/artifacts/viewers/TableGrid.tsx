// The first rows of a table, with the types of its columns.
import type { PreviewOf } from "../../api/artifactContent";
import { countOf, formatCount } from "../../format/numbers";

type Table = PreviewOf<"table">;
type Cell = Table["rows"][number][number];

export function TableGrid({ table, label }: { table: Table; label: string }) {
  return (
    <div className="viewer">
      <p className="code-note">{extentOf(table)}</p>
      {typeof table.note === "string" && <p className="code-note">{table.note}</p>}
      <div className="grid-frame" tabIndex={0} role="group" aria-label={label}>
        <table className="grid">
          <thead>
            <tr>
              <th scope="col" className="grid-number">
                <span className="visually-hidden">Row</span>
              </th>
              {table.columns.map((column, index) => (
                <th key={index} scope="col" aria-label={`${column.name}, ${column.type}`}>
                  {column.name}
                  <span className="grid-type">{column.type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row, index) => (
              <tr key={index}>
                <td className="grid-number">{formatCount(index + 1)}</td>
                {row.map((cell, column) => (
                  <CellOf key={column} cell={cell} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function CellOf({ cell }: { cell: Cell }) {
  if (cell === null) return <td className="muted">null</td>;
  const numeric = typeof cell === "number" || typeof cell === "bigint";
  return <td className={numeric ? "grid-numeric" : undefined}>{String(cell)}</td>;
}

function extentOf(table: Table): string {
  const columns = countOf(table.total_columns, "column");
  const rows = table.total_rows === null ? "rows not counted" : countOf(table.total_rows, "row");
  const shown = table.truncated ? `; the first ${countOf(table.rows.length, "row")} are shown` : "";
  const more = table.columns.length < table.total_columns ? ` with ${countOf(table.columns.length, "column")}` : "";
  return `${columns}, ${rows}${shown}${more}.`;
}
