// Tests of typed arguments: what is JSON and what is text, and the way back.
import { describe, expect, it } from "vitest";

import { kindOf, readArgument, readArguments, writeArgument } from "./argumentsText";

describe("readArgument", () => {
  it.each([
    ["42", 42, "number"],
    ['"42"', "42", "text"],
    ["monthly", "monthly", "text"],
    ["true", true, "true or false"],
    ["[1, 2]", [1, 2], "list"],
    ['{"a": 1}', { a: 1 }, "object"],
    ["null", null, "null"],
  ])("takes %s", (text, value, kind) => {
    expect(readArgument(text)).toEqual(value);
    expect(kindOf(readArgument(text))).toBe(kind);
  });
});

describe("writeArgument", () => {
  it.each(["plain", "42", '"quoted"', "", "true", " spaced "])("gives back the text %j", (text) => {
    expect(readArgument(writeArgument(text))).toBe(text);
  });

  it("gives back values", () => {
    expect(readArgument(writeArgument({ a: [1, null] }))).toEqual({ a: [1, null] });
    expect(writeArgument(9_007_199_254_740_993n)).toBe("9007199254740993");
  });
});

describe("readArguments", () => {
  it("takes one object, and says what is wrong with the rest", () => {
    expect(readArguments('{"a": 1}')).toEqual({ kwargs: { a: 1 } });
    expect(readArguments(" ")).toEqual({ kwargs: {} });
    expect(readArguments("[1]")).toHaveProperty("problem");
    expect(readArguments("{")).toHaveProperty("problem");
  });
});
