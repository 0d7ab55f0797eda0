// Tests of JSON indentation: what it keeps, and what it calls each token.
import { describe, expect, it } from "vitest";

import { prettyJson } from "./prettyJson";

function text(json: string): string {
  const tokens = prettyJson(json);
  if (tokens === null) throw new Error("not JSON");
  return tokens.map((token) => token.text).join("");
}

describe("prettyJson", () => {
  it.each([
    '{"a":1,"b":[true,null,{"c":"d, e: [f]"}],"empty":{},"none":[]}',
    '"a \\"quoted\\" word \\\\"',
    "[]",
    "[[],[[]],{}]",
  ])("indents %s as JSON.stringify does", (json) => {
    expect(text(json)).toBe(JSON.stringify(JSON.parse(json), null, 2));
  });

  it("keeps every digit of a number", () => {
    expect(text("[9007199254740993,1820.50]")).toBe("[\n  9007199254740993,\n  1820.50\n]");
  });

  it("reads unicode escapes, but keeps those that matter", () => {
    expect(text('"caf\\u00e9\\n\\u0007"')).toBe('"café\\n\\u0007"');
  });

  it("tells keys from strings, and literals from numbers", () => {
    const kinds = prettyJson('{"k":"v","n":1,"t":true,"z":null}')?.filter(({ kind }) => kind !== "plain");
    expect(kinds?.map(({ kind, text: word }) => `${kind} ${word}`)).toEqual([
      'key "k"',
      'string "v"',
      'key "n"',
      "number 1",
      'key "t"',
      "literal true",
      'key "z"',
      "literal null",
    ]);
  });

  it("refuses what is not JSON, such as Python's NaN", () => {
    expect(prettyJson('{"a": NaN}')).toBeNull();
  });
});
