// JSON as the dashboard holds it: a value type, and a parser that keeps integers too large for a JavaScript number.

export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | { [key: string]: JsonValue };

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

/** Integers of this many digits may not fit in a double. */
const MAY_HOLD_LARGE_INTEGER = /\d{16}/;

const keepLargeIntegers: Reviver = (_key, value, context) => {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
};

/** Parses JSON text. Browsers that do not give revivers the source text round large integers, as `JSON.parse` does. */
export function parseJson(text: string): unknown {
  return MAY_HOLD_LARGE_INTEGER.test(text) ? JSON.parse(text, keepLargeIntegers) : JSON.parse(text);
}

/** The compact JSON text of a value; the inverse of `parseJson`. */
export function toJsonText(value: JsonValue): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(toJsonText).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${toJsonText(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}
