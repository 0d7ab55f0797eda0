// Tests of searching JSON trees and of paths in them.
import { describe, expect, it } from "vitest";

import { countNodes, memberPath, searchTree } from "./jsonSearch";
import { jsonTree, type TreeNode } from "./jsonTree";

const TREE = jsonTree('{"rows": [{"name": "Kari"}, {"name": "Ola"}], "other": 1}');
if (TREE === null) throw new Error("not JSON");

describe("searchTree", () => {
  it("shows what matches and the way there, nothing else", () => {
    const { count, shown } = searchTree(TREE, "kARI");
    expect(count).toBe(1);
    const texts = [...shown].filter((node): node is Extract<TreeNode, { text: string }> => "text" in node).map(({ text }) => text);
    expect(texts).toEqual(['"Kari"']);
    expect(shown.has(TREE)).toBe(true);
  });

  it("finds keys, but not the numbers of items", () => {
    expect(searchTree(TREE, "name").count).toBe(2);
    expect(searchTree(TREE, "0").count).toBe(0);
  });
});

describe("memberPath", () => {
  it("quotes only what has to be", () => {
    expect(memberPath("$", "object", "rows")).toBe("$.rows");
    expect(memberPath("$.rows", "array", "0")).toBe("$.rows[0]");
    expect(memberPath("$", "object", 'a "b"')).toBe('$["a \\"b\\""]');
  });
});

describe("countNodes", () => {
  it("stops when there are many", () => {
    expect(countNodes(TREE, 100)).toBe(7);
    expect(countNodes(TREE, 3)).toBe(3);
  });
});
