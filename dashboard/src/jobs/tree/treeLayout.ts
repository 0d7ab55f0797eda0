// Where the jobs of a tree stand in a drawing: a column for each depth, a row for each leaf, parents in the middle of their children.
import { nested } from "../../api/jobHistory";
import type { Job } from "../../api/jobs";

export interface PlacedJob {
  job: Job;
  /** In columns and rows. */
  column: number;
  row: number;
}

export interface TreeLayout {
  placed: PlacedJob[];
  /** From parent to child. */
  edges: { from: PlacedJob; to: PlacedJob }[];
  columns: number;
  rows: number;
}

export function treeLayout(jobs: Job[]): TreeLayout {
  const placed = nested(jobs).map(({ job, depth }): PlacedJob => ({ job, column: depth, row: 0 }));
  const byId = new Map(placed.map((one) => [one.job.id, one]));
  const below = new Map<string, PlacedJob[]>();
  const edges: TreeLayout["edges"] = [];
  for (const to of placed) {
    const from = to.column === 0 || to.job.parentId === null ? undefined : byId.get(to.job.parentId);
    if (from === undefined) continue;
    edges.push({ from, to });
    below.set(from.job.id, [...(below.get(from.job.id) ?? []), to]);
  }
  let rows = 0;
  for (const one of placed) if (!below.has(one.job.id)) one.row = rows++;
  // Children come after their parent, so backwards every child is placed before its parent.
  for (const one of placed.toReversed()) {
    const children = below.get(one.job.id);
    if (children !== undefined) one.row = ((children[0]?.row ?? 0) + (children.at(-1)?.row ?? 0)) / 2;
  }
  return { placed, edges, columns: Math.max(0, ...placed.map(({ column }) => column + 1)), rows };
}
