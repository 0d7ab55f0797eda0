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
      if (typeof one === "string" && one !== "") params.append(name, one);
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
