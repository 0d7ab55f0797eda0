// Tests of bytes as lines.
import { expect, it } from "vitest";

import { hexLines } from "./hex";

it("puts sixteen bytes on a line, with offset and ASCII", () => {
  const lines = hexLines("41".repeat(15) + "00" + "ff7e");
  expect(lines.map(({ offset, ascii }) => [offset, ascii])).toEqual([
    ["00000000", "AAAAAAAAAAAAAAA·"],
    ["00000010", "·~"],
  ]);
  expect(lines[0]?.hex.trim()).toBe("41 41 41 41 41 41 41 41  41 41 41 41 41 41 41 00");
  expect(lines[0]?.hex).toHaveLength(lines[1]?.hex.length ?? 0);
});
