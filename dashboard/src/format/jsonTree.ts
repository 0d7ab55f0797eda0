// JSON as a tree to unfold: read from its text, so that every number keeps its digits, or from an outline of the server.
import type { Outline } from "../api/artifactContent";

export interface TreeMember {
  /** The key of an object's member, or the index of an array's item. */
  key: string;
  node: TreeNode;
}

export type TreeNode =
  | { kind: "string" | "number" | "literal"; text: string }
  | {
      kind: "object" | "array";
      members: TreeMember[];
      /** How many there are in the document; more than `members` in an outline. */
      length: number;
      /** False when `length` is only what was seen. */
      complete: boolean;
    };

const TOKEN = /"(?:\\.|[^"\\])*"|[[\]{},:]|[^\s[\]{},:"]+/g;

/** Null when the text is not JSON. */
export function jsonTree(text: string): TreeNode | null {
  try {
    JSON.parse(text);
    return read(text.match(TOKEN) ?? []);
  } catch {
    // Not JSON; or nested so deeply that nobody would unfold it.
    return null;
  }
}

function read(words: string[]): TreeNode {
  let at = 0;
  const next = (): string => {
    const word = words[at] ?? "";
    at += 1;
    return word;
  };
  const container = (kind: "object" | "array", end: string): TreeNode => {
    const members: TreeMember[] = [];
    while (words[at] !== end) {
      if (words[at] === ",") at += 1;
      let key = String(members.length);
      if (kind === "object") {
        key = JSON.parse(next()) as string;
        at += 1;
      }
      members.push({ key, node: value() });
    }
    at += 1;
    return { kind, members, length: members.length, complete: true };
  };
  const value = (): TreeNode => {
    const word = next();
    if (word === "{") return container("object", "}");
    if (word === "[") return container("array", "]");
    if (word.startsWith('"')) return { kind: "string", text: JSON.stringify(JSON.parse(word)) };
    return { kind: /^[tfn]/.test(word) ? "literal" : "number", text: word };
  };
  return value();
}

export function outlineTree(outline: Outline): TreeNode {
  switch (outline.type) {
    case "null":
      return { kind: "literal", text: "null" };
    case "boolean":
      return { kind: "literal", text: String(outline.value) };
    case "number":
      return { kind: "number", text: String(outline.value) };
    case "string": {
      // The length counts characters, of which some take two of JavaScript's units.
      const shortened = outline.length > Array.from(outline.value).length;
      return { kind: "string", text: `${JSON.stringify(outline.value)}${shortened ? "…" : ""}` };
    }
    case "array": {
      const members = outline.items.map((item, index) => ({ key: String(index), node: outlineTree(item) }));
      return { kind: "array", members, length: outline.length, complete: outline.complete };
    }
    case "object": {
      const members = outline.members.map(({ key, value }) => ({ key, node: outlineTree(value) }));
      return { kind: "object", members, length: outline.length, complete: outline.complete };
    }
  }
}

/** `3 items`, `1 key`, `at least 500 items`. */
export function lengthOf(node: Extract<TreeNode, { members: unknown }>): string {
  const noun = node.kind === "array" ? "item" : "key";
  const count = `${node.length.toLocaleString()} ${noun}${node.length === 1 ? "" : "s"}`;
  return node.complete ? count : `at least ${count}`;
}
