// Plain addresses: `?status=failed&status=active`, never JSON. Also the readers that turn them into typed search parameters.

export type RawSearch = Record<string, string | string[]>;

export function parseSearch(query: string): RawSearch {
  const raw: RawSearch = {};
  const params = new URLSearchParams(query);
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name);
    const [first] = values;
    raw[name] = values.length === 1 && first !== undefined ? first : values;
  }
  return raw;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if ((typeof one === "string" && one !== "") || typeof one === "number") params.append(name, String(one));
    }
  }
  return params.size === 0 ? "" : `?${params.toString()}`;
}

function stringsOf(value: unknown): string[] {
  return (Array.isArray(value) ? (value as unknown[]) : [value]).filter((one): one is string => typeof one === "string" && one !== "");
}

/** The parameter as one text. */
export function readText(value: unknown): string | undefined {
  return stringsOf(value)[0];
}

/** The parameter as texts, each once. */
export function readTexts(value: unknown): string[] | undefined {
  const texts = [...new Set(stringsOf(value))];
  return texts.length === 0 ? undefined : texts;
}

/** The parameter as a whole number from 0 on. */
export function readCount(value: unknown): number | undefined {
  const text = typeof value === "number" ? String(value) : readText(value);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The parameter as a day, `2026-11-24`. */
export function readDay(value: unknown): string | undefined {
  const text = readText(value);
  return text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
}

/** The parameter as a moment in RFC 3339. */
export function readMoment(value: unknown): string | undefined {
  const text = readText(value);
  return text !== undefined && /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
}

/** The parameter as one word of a closed list; anything else counts as absent. */
export function readWord<Word extends string>(value: unknown, words: readonly Word[]): Word | undefined {
  return readWords(value, words)?.[0];
}

/** The parameter as words of a closed list, in the list's order. */
export function readWords<Word extends string>(value: unknown, words: readonly Word[]): Word[] | undefined {
  const given = new Set(stringsOf(value));
  const known = words.filter((word) => given.has(word));
  return known.length === 0 ? undefined : known;
}
