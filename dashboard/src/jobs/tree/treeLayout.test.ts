// Tests of the drawing of a tree: parents before children, in the middle of them, and no two jobs in one place.
import { describe, expect, it } from "vitest";

import { nested } from "../../api/jobHistory";
import { makeJob } from "../../test/factories";
import { treeLayout } from "./treeLayout";

const job = (id: string, parentId: string | null) => makeJob({ id, parentId, rootId: "a" });
const TREE = [job("a", null), job("b", "a"), job("c", "a"), job("d", "b"), job("e", "b"), job("f", "gone")];

describe("nested", () => {
  it("puts children under their parent, and orphans at the top", () => {
    expect(nested(TREE).map(({ job: { id }, depth }) => `${id}${depth}`)).toEqual(["a0", "b1", "d2", "e2", "c1", "f0"]);
  });

  it("survives a job that is its own parent", () => {
    expect(nested([job("a", "a")])).toHaveLength(1);
  });
});

describe("treeLayout", () => {
  it("has a column for each depth and a row for each leaf", () => {
    const { placed, edges, columns, rows } = treeLayout(TREE);
    expect({ columns, rows, edges: edges.length }).toEqual({ columns: 3, rows: 4, edges: 4 });
    const at = Object.fromEntries(placed.map((one) => [one.job.id, [one.column, one.row]]));
    expect(at).toEqual({ a: [0, 1.25], b: [1, 0.5], d: [2, 0], e: [2, 1], c: [1, 2], f: [0, 3] });
    expect(new Set(placed.map((one) => `${one.column}/${one.row}`)).size).toBe(placed.length);
  });
});
