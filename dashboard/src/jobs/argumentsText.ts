// Arguments as people type them: JSON where it is JSON, else a text as it stands.
import { parseJson, toJsonText, type JsonValue } from "../api/json";

/** `42` is a number, `"42"` and `monthly` are texts. */
export function readArgument(text: string): JsonValue {
  const trimmed = text.trim();
  try {
    return parseJson(trimmed) as JsonValue;
  } catch {
    return text;
  }
}

/** What has to be typed to get the value: the inverse of `readArgument`. */
export function writeArgument(value: JsonValue): string {
  if (typeof value !== "string") return toJsonText(value);
  return typeof readArgument(value) === "string" && !value.trim().startsWith('"') ? value : JSON.stringify(value);
}

/** What an argument was taken for, in a word. */
export function kindOf(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  switch (typeof value) {
    case "string":
      return "text";
    case "object":
      return "object";
    case "boolean":
      return "true or false";
    default:
      return "number";
  }
}

/** The arguments out of one JSON object, or why they are not. */
export function readArguments(text: string): { kwargs: Record<string, JsonValue> } | { problem: string } {
  try {
    const value = parseJson(text.trim() === "" ? "{}" : text) as JsonValue;
    if (value === null || typeof value !== "object" || Array.isArray(value)) return { problem: 'Arguments are one object, such as {"name": "value"}.' };
    return { kwargs: value };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

const MOST_IN_BRIEF = 160;

/** Arguments as one line to recognise a job by: `to: ada@example.com, template: receipt`. Empty without arguments. */
export function argumentsInBrief(kwargs: JsonValue): string {
  if (kwargs === null || typeof kwargs !== "object" || Array.isArray(kwargs)) return "";
  let brief = "";
  for (const [name, value] of Object.entries(kwargs)) {
    const text = typeof value === "string" ? value : toJsonText(value);
    brief += `${brief === "" ? "" : ", "}${name}: ${text.slice(0, MOST_IN_BRIEF)}`;
    if (brief.length > MOST_IN_BRIEF) return `${brief.slice(0, MOST_IN_BRIEF)}…`;
  }
  return brief.replaceAll(/\s+/g, " ");
}
