// Finding things in a JSON tree, and saying where they are.
import type { TreeNode } from "./jsonTree";

export interface JsonMatches {
  count: number;
  /** What matches, and everything that holds something that does. */
  shown: ReadonlySet<TreeNode>;
}

/** Nodes whose key or value holds the words, in any case. */
export function searchTree(root: TreeNode, words: string): JsonMatches {
  const wanted = words.toLowerCase();
  const shown = new Set<TreeNode>();
  let count = 0;
  const visit = (node: TreeNode, key: string): boolean => {
    let here = key.toLowerCase().includes(wanted);
    if (!("members" in node)) here = node.text.toLowerCase().includes(wanted) || here;
    if (here) count += 1;
    let below = false;
    if ("members" in node) for (const member of node.members) below = visit(member.node, node.kind === "object" ? member.key : "") || below;
    if (here || below) shown.add(node);
    return here || below;
  };
  visit(root, "");
  return { count, shown };
}

/** The path of a member, as JSONPath and most languages write it: `$.rows[0]["a key"]`. */
export function memberPath(parent: string, kind: "object" | "array", key: string): string {
  if (kind === "array") return `${parent}[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${parent}.${key}` : `${parent}[${JSON.stringify(key)}]`;
}

/** How many values there are, counted no further than `most`. */
export function countNodes(node: TreeNode, most: number): number {
  let count = 0;
  const stack = [node];
  for (let next = stack.pop(); next !== undefined && count < most; next = stack.pop()) {
    count += 1;
    if ("members" in next) for (const member of next.members) stack.push(member.node);
  }
  return count;
}
