// Tests of filtering and marking log lines.
import { describe, expect, it } from "vitest";

import type { LogLine } from "../../api/jobHistory";
import { filterLines, marked } from "./logFilter";

const line = (level: string, message: string, extra: LogLine["extra"] = null): LogLine => ({ sequence: 1, at: new Date(0), attempt: 1, level, message, extra });

describe("filterLines", () => {
  const lines = [line("debug", "a"), line("info", "b"), line("warn", "c"), line("critical", "d"), line("odd", "e", { row: "Needle" })];

  it("keeps a level and those above", () => {
    expect(filterLines(lines, "debug", "").map(({ message }) => message)).toEqual(["a", "b", "c", "d", "e"]);
    expect(filterLines(lines, "warning", "").map(({ message }) => message)).toEqual(["c", "d"]);
  });

  it("looks into what was sent along, in any case", () => {
    expect(filterLines(lines, "debug", "needle").map(({ message }) => message)).toEqual(["e"]);
  });
});

describe("marked", () => {
  it("cuts the text at every hit and loses nothing", () => {
    const pieces = marked("Row 1, row 2", "ROW");
    expect(pieces.filter(({ hit }) => hit).map(({ text }) => text)).toEqual(["Row", "row"]);
    expect(pieces.map(({ text }) => text).join("")).toBe("Row 1, row 2");
  });
});
