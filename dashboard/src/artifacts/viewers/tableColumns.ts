// The rows of a table that are shown: put in order by a column, and summed up column by column.
import type { PreviewOf } from "../../api/artifactContent";

export type Cell = PreviewOf<"table">["rows"][number][number];

export interface Order {
  column: number;
  descending: boolean;
}

export interface ColumnSummary {
  empty: number;
  distinct: number;
  /** Of numbers only. */
  least?: number;
  most?: number;
  mean?: number;
}

/** Numbers by size, texts by language, nothing at the end either way. The places in the file go along. */
export function sortedRows(rows: Cell[][], order: Order | null): { row: Cell[]; place: number }[] {
  const placed = rows.map((row, place) => ({ row, place }));
  if (order === null) return placed;
  const sign = order.descending ? -1 : 1;
  return placed.sort((a, b) => {
    const left = a.row[order.column] ?? null;
    const right = b.row[order.column] ?? null;
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return sign * compare(left, right);
  });
}

function compare(a: NonNullable<Cell>, b: NonNullable<Cell>): number {
  const left = numberOf(a);
  const right = numberOf(b);
  if (left !== null && right !== null) return left < right ? -1 : left > right ? 1 : 0;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

/** Cells of a CSV file are texts, so that their digits stay as they are written. */
function numberOf(cell: NonNullable<Cell>): number | bigint | null {
  if (typeof cell === "number" || typeof cell === "bigint") return cell;
  return typeof cell === "string" && /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(cell) ? Number(cell) : null;
}

export function summaryOf(rows: Cell[][], column: number): ColumnSummary {
  const cells = rows.map((row) => row[column] ?? null).filter((cell) => cell !== null);
  const numbers = cells.map(numberOf).filter((one) => one !== null).map(Number);
  const summary: ColumnSummary = { empty: rows.length - cells.length, distinct: new Set(cells).size };
  if (numbers.length === 0 || numbers.length < cells.length) return summary;
  const total = numbers.reduce((sum, one) => sum + one, 0);
  return { ...summary, least: Math.min(...numbers), most: Math.max(...numbers), mean: total / numbers.length };
}
