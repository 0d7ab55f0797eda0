// Tests of reading CSV.
import { describe, expect, it } from "vitest";

import { parseCsv } from "./csv";

describe("parseCsv", () => {
  it("reads quotes, doubled quotes, and line breaks inside quotes", () => {
    expect(parseCsv('a,b\r\n"x, ""y""","two\nlines"\n', 10)).toEqual([
      ["a", "b"],
      ['x, "y"', "two\nlines"],
    ]);
  });

  it("keeps empty cells, skips empty lines, and needs no last line break", () => {
    expect(parseCsv("a,,c\n\n,", 10)).toEqual([
      ["a", "", "c"],
      ["", ""],
    ]);
  });

  it("stops at the limit", () => {
    expect(parseCsv("1\n2\n3\n", 2)).toEqual([["1"], ["2"]]);
  });
});
