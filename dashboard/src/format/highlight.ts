// Colours for source texts: strings, comments, numbers, names and keywords, well enough for most languages. Nothing is parsed,
// so a text that is broken is coloured oddly and never lost.

export interface CodeToken {
  kind: "plain" | "string" | "comment" | "number" | "keyword" | "name";
  text: string;
}

export type Language = "markup" | "hash" | "slash" | "sql";

/** What comments look like says most about a language. */
const LANGUAGES: Record<string, Language> = {
  xml: "markup",
  html: "markup",
  svg: "markup",
  xsl: "markup",
  ...Object.fromEntries(["py", "sh", "rb", "yaml", "yml", "toml", "ini", "cfg", "r", "dockerfile"].map((one) => [one, "hash" as const])),
  ...Object.fromEntries(["js", "mjs", "ts", "tsx", "jsx", "rs", "go", "java", "c", "h", "cpp", "cs", "css", "kt", "swift"].map((one) => [one, "slash" as const])),
  sql: "sql",
};

const KEYWORDS: Record<Exclude<Language, "markup">, string> = {
  hash: "and as assert async await break class continue def del do done elif else end esac except export false fi finally for from function global if import in is lambda local match none not null or pass raise return self then true try unless while with yield",
  slash:
    "abstract as async await bool boolean break case catch class const continue crate default do double else enum export extends false final finally float fn for func function go if impl import in int interface let loop match mod move mut new nil null number override package private protected pub public return self static string struct super switch this throw trait true try type typeof undefined unsafe use var void where while yield",
  sql: "all alter and as asc between by case create cross delete desc distinct drop else end exists false from full group having if in index inner insert into is join key left like limit not null offset on or order outer over partition primary returning right select set table then true union unique update using values view when where with",
};

const STRING = `"(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*'|\`(?:\\\\.|[^\`\\\\])*\``;
const NUMBER = "\\b\\d[\\d_]*(?:\\.\\d+)?(?:[eE][+-]?\\d+)?\\b";
const WORD = "[A-Za-z_][\\w]*";

const PATTERNS: Record<Exclude<Language, "markup">, RegExp> = {
  hash: new RegExp(`(?<comment>#[^\\n]*)|(?<string>"""[^]*?"""|'''[^]*?'''|${STRING})|(?<number>${NUMBER})|(?<word>${WORD})`, "g"),
  slash: new RegExp(`(?<comment>//[^\\n]*|/\\*[^]*?\\*/)|(?<string>${STRING})|(?<number>${NUMBER})|(?<word>${WORD})`, "g"),
  sql: new RegExp(`(?<comment>--[^\\n]*|/\\*[^]*?\\*/)|(?<string>${STRING})|(?<number>${NUMBER})|(?<word>${WORD})`, "g"),
};

const MARKUP = /(?<comment><!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<[!?][^>]*>)|(?<keyword><\/?[\w:.-]+|\/?>)|(?<name>[\w:.-]+)(?==["'])|(?<string>"[^"<]*"|'[^'<]*')/g;

/** Larger texts stay plain: a span per token would freeze the page. */
const MOST_CHARACTERS = 200_000;

/** Null for names that tell no language. */
export function languageOf(name: string): Language | null {
  return LANGUAGES[name.split(/[./\\]/).at(-1)?.toLowerCase() ?? ""] ?? null;
}

/** Null when the text is too large. Put together again, the tokens are the text. */
export function highlight(text: string, language: Language): CodeToken[] | null {
  if (text.length > MOST_CHARACTERS) return null;
  const keywords = language === "markup" ? new Set<string>() : new Set(KEYWORDS[language].split(" "));
  const tokens: CodeToken[] = [];
  let from = 0;
  for (const match of text.matchAll(language === "markup" ? MARKUP : PATTERNS[language])) {
    const groups: Record<string, string | undefined> = match.groups ?? {};
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined);
    const [found] = match;
    if (kind === undefined) continue;
    if (kind === "word" && !keywords.has(language === "slash" ? found : found.toLowerCase())) continue;
    if (match.index > from) tokens.push({ kind: "plain", text: text.slice(from, match.index) });
    tokens.push({ kind: kind === "word" ? "keyword" : (kind as CodeToken["kind"]), text: found });
    from = match.index + found.length;
  }
  if (from < text.length) tokens.push({ kind: "plain", text: text.slice(from) });
  return tokens;
}
