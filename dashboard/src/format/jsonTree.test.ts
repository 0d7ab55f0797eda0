// Tests of JSON trees, from text and from outlines.
import { describe, expect, it } from "vitest";

import { jsonTree, lengthOf, outlineTree } from "./jsonTree";

describe("jsonTree", () => {
  it("keeps digits, order and keys as they are written", () => {
    expect(jsonTree('{"b": 1.0, "a": [9007199254740993, null], "": "x\\"y"}')).toEqual({
      kind: "object",
      length: 3,
      complete: true,
      members: [
        { key: "b", node: { kind: "number", text: "1.0" } },
        {
          key: "a",
          node: {
            kind: "array",
            length: 2,
            complete: true,
            members: [
              { key: "0", node: { kind: "number", text: "9007199254740993" } },
              { key: "1", node: { kind: "literal", text: "null" } },
            ],
          },
        },
        { key: "", node: { kind: "string", text: '"x\\"y"' } },
      ],
    });
  });

  it("reads empty containers and bare values", () => {
    expect(jsonTree("[{}, []]")).toMatchObject({ length: 2, members: [{ node: { length: 0 } }, { node: { length: 0 } }] });
    expect(jsonTree(" true ")).toEqual({ kind: "literal", text: "true" });
  });

  it("has none for what is not JSON, or too deep to unfold", () => {
    expect(jsonTree("{a: 1}")).toBeNull();
    expect(jsonTree("[".repeat(200_000))).toBeNull();
  });
});

describe("outlineTree", () => {
  it("tells what was left out", () => {
    const tree = outlineTree({
      type: "object",
      length: 2,
      complete: true,
      members: [
        { key: "rows", value: { type: "array", length: 500, complete: false, items: [{ type: "number", value: 1 }] } },
        { key: "text", value: { type: "string", value: "abc", length: 90 } },
      ],
    });
    expect(tree).toMatchObject({ members: [{ node: { length: 500 } }, { node: { text: '"abc"…' } }] });
    const rows = "members" in tree ? tree.members[0]?.node : undefined;
    expect(rows !== undefined && "members" in rows && lengthOf(rows)).toBe("at least 500 items");
  });
});
