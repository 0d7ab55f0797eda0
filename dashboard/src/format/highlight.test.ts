// Tests of colouring source texts: nothing is lost, and the obvious is told apart.
import { describe, expect, it } from "vitest";

import { highlight, languageOf, type CodeToken } from "./highlight";

const kinds = (tokens: CodeToken[] | null, kind: CodeToken["kind"]) => tokens?.filter((token) => token.kind === kind).map(({ text }) => text);

describe("highlight", () => {
  it("tells tags, attributes, values and comments of markup", () => {
    const text = '<?xml version="1.0"?><a b="1"><!-- <no> -->text</a>';
    const tokens = highlight(text, "markup");
    expect(kinds(tokens, "keyword")).toEqual(["<a", ">", "</a", ">"]);
    expect(kinds(tokens, "name")).toEqual(["b"]);
    expect(kinds(tokens, "string")).toEqual(['"1"']);
    expect(kinds(tokens, "comment")).toEqual(['<?xml version="1.0"?>', "<!-- <no> -->"]);
  });

  it("tells keywords, strings and comments of programs", () => {
    const tokens = highlight('def f(x): # returns\n    return "for" + str(4.5)\n', "hash");
    expect(kinds(tokens, "keyword")).toEqual(["def", "return"]);
    expect(kinds(tokens, "comment")).toEqual(["# returns"]);
    expect(kinds(tokens, "string")).toEqual(['"for"']);
    expect(kinds(tokens, "number")).toEqual(["4.5"]);
  });

  it.each(["markup", "hash", "slash", "sql"] as const)("loses nothing of %s, however broken", (language) => {
    const text = `<a b='x\n"""unclosed /* -- # "' \\ 12e \`\u00e5 SELECT null`;
    expect(highlight(text, language)?.map((token) => token.text).join("")).toBe(text);
  });

  it("leaves large texts plain", () => {
    expect(highlight("x ".repeat(200_000), "hash")).toBeNull();
  });
});

describe("languageOf", () => {
  it("goes by the end of the name", () => {
    expect(languageOf("deep/feed.XML")).toBe("markup");
    expect(languageOf("query.sql")).toBe("sql");
    expect(languageOf("notes.txt")).toBeNull();
  });
});
