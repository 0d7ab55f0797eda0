// JSON text, indented and split into tokens. It works on the text and not on a parsed value, so every number keeps its digits.

export type JsonTokenKind = "key" | "string" | "number" | "literal" | "plain";

export interface JsonToken {
  kind: JsonTokenKind;
  text: string;
}

const TOKEN = /"(?:\\.|[^"\\])*"|[[\]{},:]|[^\s[\]{},:"]+/g;

/** The tokens of indented JSON, or null when the text is not JSON. */
export function prettyJson(text: string): JsonToken[] | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const words = text.match(TOKEN) ?? [];
  const tokens: JsonToken[] = [];
  let depth = 0;
  let pending = "";
  const put = (kind: JsonTokenKind, word: string): void => {
    if (kind === "plain") {
      pending += word;
      return;
    }
    if (pending !== "") tokens.push({ kind: "plain", text: pending });
    pending = "";
    tokens.push({ kind, text: word });
  };
  const newline = (): void => {
    put("plain", `\n${"  ".repeat(depth)}`);
  };

  words.forEach((word, index) => {
    const next = words[index + 1];
    if (word === "{" || word === "[") {
      put("plain", word);
      depth += 1;
      if (next !== "}" && next !== "]") newline();
    } else if (word === "}" || word === "]") {
      depth -= 1;
      const previous = words[index - 1];
      if (previous !== "{" && previous !== "[") newline();
      put("plain", word);
    } else if (word === ",") {
      put("plain", word);
      newline();
    } else if (word === ":") {
      put("plain", ": ");
    } else if (word.startsWith('"')) {
      put(next === ":" ? "key" : "string", readable(word));
    } else {
      put(/^[tfn]/.test(word) ? "literal" : "number", word);
    }
  });
  if (pending !== "") tokens.push({ kind: "plain", text: pending });
  return tokens;
}

/** Writes `\u00e9` as é; escapes that matter, such as `\n` and `\"`, stay. */
function readable(literal: string): string {
  return literal.includes("\\u") ? JSON.stringify(JSON.parse(literal)) : literal;
}
