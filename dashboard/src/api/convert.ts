// Small conversions that every converter of this folder shares.
import type { JsonValue } from "./json";

export interface Page<Item> {
  items: Item[];
  total: number;
  /** True when there are more than `total`, and counting them all would take long. */
  totalIsCapped: boolean;
  nextCursor: string | null;
}

export function toDate(wire: string): Date {
  const date = new Date(wire);
  if (Number.isNaN(date.getTime())) throw new Error(`'${wire}' is not a time`);
  return date;
}

export function toOptionalDate(wire: string | null): Date | null {
  return wire === null ? null : toDate(wire);
}

/** What came out of `parseJson` and has no fixed shape, such as a job's result. */
export function toJsonValue(wire: unknown): JsonValue {
  return (wire ?? null) as JsonValue;
}

/** A member of a closed list, or the fallback: a newer server's words must never break the page. */
export function oneOf<Known extends string, Fallback extends string>(
  known: readonly Known[],
  wire: string,
  fallback: Fallback,
): Known | Fallback {
  return known.find((word) => word === wire) ?? fallback;
}
