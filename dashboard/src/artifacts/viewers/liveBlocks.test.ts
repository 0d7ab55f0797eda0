// Tests of a growing text: whole blocks stay as they are, the last one grows, the oldest go.
import { describe, expect, it } from "vitest";

import { append, EMPTY, type LiveBlocks } from "./liveBlocks";

function textOf({ blocks }: LiveBlocks): string {
  return blocks.flatMap(({ pieces }) => pieces.map(({ text }) => text)).join("");
}

const LINES = Array.from({ length: 1_000 }, (_, index) => `line ${index}`).join("\n");

describe("append", () => {
  it("gives the same text however it is cut", () => {
    let cut = EMPTY;
    for (let at = 0; at < LINES.length; at += 7) cut = append(cut, LINES.slice(at, at + 7));
    expect(textOf(cut)).toBe(LINES);
    expect(textOf(append(EMPTY, LINES))).toBe(LINES);
  });

  it("leaves whole blocks untouched", () => {
    const before = append(EMPTY, LINES);
    const after = append(before, "\nmore");
    expect(after.blocks.length).toBeGreaterThan(3);
    expect(after.blocks[0]).toBe(before.blocks[0]);
    expect(textOf(after).endsWith("\nmore")).toBe(true);
  });

  it("carries colours over blocks and over cuts inside an escape sequence", () => {
    const text = append(append(EMPTY, "\u001b[3"), `1mred\n${"x\n".repeat(300)}end`);
    expect(text.blocks.at(-1)?.pieces.at(-1)).toEqual({ text: "end", classes: "ansi-1" });
  });

  it("forgets the beginning of a text without end, and says so", () => {
    const long = append(EMPTY, "x\n".repeat(40_000));
    expect(long.dropped).toBe(true);
    expect(long.blocks).toHaveLength(100);
  });

  it("keeps only the last state of a progress bar", () => {
    let bar = append(EMPTY, "start\n");
    for (let percent = 0; percent <= 100; percent += 1) bar = append(bar, `\r${percent} %`);
    expect(textOf(bar)).toBe("start\n100 %");
    expect(bar.open.text.length).toBeLessThan(30);
  });
});
