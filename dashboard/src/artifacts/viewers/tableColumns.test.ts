// Tests of ordering and summing up the rows of a table.
import { describe, expect, it } from "vitest";

import { sortedRows, summaryOf } from "./tableColumns";

const ROWS = [
  [10, "b"],
  [null, "a"],
  [9, null],
  [9_007_199_254_740_993n, "c10"],
];

describe("sortedRows", () => {
  const places = (column: number, descending: boolean) => sortedRows(ROWS, { column, descending }).map(({ place }) => place);

  it("orders numbers by size, and what is empty comes last either way", () => {
    expect(places(0, false)).toEqual([2, 0, 3, 1]);
    expect(places(0, true)).toEqual([3, 0, 2, 1]);
  });

  it("orders texts, and leaves the file's order alone without a column", () => {
    expect(places(1, false)).toEqual([1, 0, 3, 2]);
    expect(sortedRows(ROWS, null).map(({ place }) => place)).toEqual([0, 1, 2, 3]);
  });
});

describe("summaryOf", () => {
  it("counts what is empty and distinct, and measures numbers alone", () => {
    expect(summaryOf([[1], [3], [3], [null]], 0)).toEqual({ empty: 1, distinct: 2, least: 1, most: 3, mean: 7 / 3 });
    expect(summaryOf(ROWS, 1)).toEqual({ empty: 1, distinct: 3 });
  });

  it("takes the texts of a CSV file for the numbers they are", () => {
    const rows = [["10.5"], ["9"], ["1e3"]];
    expect(sortedRows(rows, { column: 0, descending: false }).map(({ place }) => place)).toEqual([1, 0, 2]);
    expect(summaryOf(rows, 0)).toMatchObject({ least: 9, most: 1_000 });
  });
});
