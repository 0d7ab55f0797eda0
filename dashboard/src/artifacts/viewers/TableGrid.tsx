// The first rows of a table, with the types of its columns; put in order by a column, and summed up.
import { useMemo, useState } from "react";

import type { PreviewOf } from "../../api/artifactContent";
import { countOf, formatCount } from "../../format/numbers";
import { sortedRows, summaryOf, type Cell, type ColumnSummary, type Order } from "./tableColumns";

type Table = PreviewOf<"table">;

/** How formats call the types of numbers. */
const NUMERIC = /^(?:u?int|integer|number|float|double|decimal)/i;

export function TableGrid({ table, label }: { table: Table; label: string }) {
  const [order, setOrder] = useState<Order | null>(null);
  const [summed, setSummed] = useState(false);
  const numeric = table.columns.map(({ type }) => NUMERIC.test(type));
  const rows = useMemo(() => sortedRows(table.rows, order), [table.rows, order]);
  return (
    <div className="viewer">
      <div className="viewer-bar">
        <span className="muted grid-extent">{extentOf(table, order)}</span>
        <button
          type="button"
          className="button button-small"
          aria-pressed={summed}
          onClick={() => {
            setSummed(!summed);
          }}
        >
          Summary
        </button>
      </div>
      {typeof table.note === "string" && <p className="code-note">{table.note}</p>}
      <div className="grid-frame" tabIndex={0} role="group" aria-label={label}>
        <table className="grid">
          <thead>
            <tr>
              <th scope="col" className="grid-number">
                <span className="visually-hidden">Row</span>
              </th>
              {table.columns.map((column, index) => (
                <th key={index} scope="col" className={numeric[index] === true ? "grid-numeric" : undefined} aria-label={`${column.name}, ${column.type}`} aria-sort={sortOf(order, index)}>
                  <button
                    type="button"
                    className="grid-sort"
                    title="Put the rows in this order"
                    onClick={() => {
                      setOrder(nextOrder(order, index));
                    }}
                  >
                    {column.name}
                    <span aria-hidden="true">{order?.column === index ? (order.descending ? " ↓" : " ↑") : ""}</span>
                  </button>
                  <span className="grid-type">{column.type}</span>
                  {summed && <Summary summary={summaryOf(table.rows, index)} />}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ row, place }) => (
              <tr key={place}>
                <td className="grid-number">{formatCount(place + 1)}</td>
                {row.map((cell, column) => (
                  <CellOf key={column} cell={cell} numeric={numeric[column] ?? false} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Summary({ summary: { empty, distinct, least, most, mean } }: { summary: ColumnSummary }) {
  return (
    <span className="grid-summary">
      {formatCount(distinct)} distinct{empty > 0 && `, ${formatCount(empty)} empty`}
      {least !== undefined && most !== undefined && mean !== undefined && (
        <>
          <br />
          {rough(least)} – {rough(most)}, mean {rough(mean)}
        </>
      )}
    </span>
  );
}

function rough(value: number): string {
  return value.toLocaleString(undefined, { maximumSignificantDigits: 6 });
}

function CellOf({ cell, numeric }: { cell: Cell; numeric: boolean }) {
  const align = numeric ? "grid-numeric" : "";
  if (cell === null) return <td className={`muted ${align}`}>null</td>;
  return <td className={align}>{String(cell)}</td>;
}

/** Up, then down, then as in the file. */
function nextOrder(order: Order | null, column: number): Order | null {
  if (order?.column !== column) return { column, descending: false };
  return order.descending ? null : { column, descending: true };
}

function sortOf(order: Order | null, column: number): "ascending" | "descending" | "none" {
  if (order?.column !== column) return "none";
  return order.descending ? "descending" : "ascending";
}

function extentOf(table: Table, order: Order | null): string {
  const columns = countOf(table.total_columns, "column");
  const rows = table.total_rows === null ? "rows not counted" : countOf(table.total_rows, "row");
  const shown = table.truncated ? `; the first ${countOf(table.rows.length, "row")} are shown` : "";
  const more = table.columns.length < table.total_columns ? ` with ${countOf(table.columns.length, "column")}` : "";
  const ordered = table.truncated && order !== null ? ", and only they are in this order" : "";
  return `${columns}, ${rows}${shown}${more}${ordered}.`;
}
