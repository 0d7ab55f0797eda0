// Tests of terminal text: colours, styles, and what a terminal would not show.
import { describe, expect, it } from "vitest";

import { ansiLine, holdsEscapes, PLAIN, type AnsiPiece } from "./ansi";

const ESC = "\u001b";

function piecesOf(line: string): AnsiPiece[] {
  return ansiLine(line, PLAIN).pieces;
}

describe("ansiLine", () => {
  it("turns colours and styles into class names", () => {
    expect(piecesOf(`a ${ESC}[1;31mred${ESC}[0m b`)).toEqual([
      { text: "a ", classes: "" },
      { text: "red", classes: "ansi-1 ansi-bold" },
      { text: " b", classes: "" },
    ]);
    expect(piecesOf(`${ESC}[92;44;4mx`)).toEqual([{ text: "x", classes: "ansi-10 ansi-on-4 ansi-underline" }]);
  });

  it.each([
    ["38;5;9", "ansi-9"],
    ["38;5;196", "ansi-9"],
    ["38;5;240", "ansi-8"],
    ["38;2;0;200;0", "ansi-2"],
    ["38:2:250:250:250", "ansi-15"],
    ["48;5;21", "ansi-on-12"],
  ])("takes %s as the nearest of the sixteen colours", (code, classes) => {
    expect(piecesOf(`${ESC}[${code}mx`)).toEqual([{ text: "x", classes }]);
  });

  it("carries the style on to the next line", () => {
    const first = ansiLine(`${ESC}[33mwarn`, PLAIN);
    expect(ansiLine(`still${ESC}[39m not`, first.style).pieces).toEqual([
      { text: "still", classes: "ansi-3" },
      { text: " not", classes: "" },
    ]);
  });

  it("leaves out every other escape sequence", () => {
    expect(piecesOf(`${ESC}[2K${ESC}]0;title\u0007a${ESC}[1Gb${ESC}[?25l`).map(({ text }) => text).join("")).toBe("ab");
  });

  it("shows what a progress bar wrote last", () => {
    expect(piecesOf("10 %\r50 %\r100 %\r")).toEqual([{ text: "100 %", classes: "" }]);
  });

  it("keeps markup as the text it is", () => {
    expect(piecesOf(`${ESC}[31m<b>x</b>`)).toEqual([{ text: "<b>x</b>", classes: "ansi-1" }]);
  });
});

describe("holdsEscapes", () => {
  it("finds escapes and lone carriage returns, and no line endings of Windows", () => {
    expect(holdsEscapes(`${ESC}[0m`)).toBe(true);
    expect(holdsEscapes("a\rb")).toBe(true);
    expect(holdsEscapes("a\r\nb\n")).toBe(false);
  });
});
