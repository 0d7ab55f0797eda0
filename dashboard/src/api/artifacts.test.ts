// Tests of list filters as the REST API takes them.
import { describe, expect, it } from "vitest";

import { toListParams } from "./artifacts";

const NOW = Date.UTC(2026, 10, 24, 12);

describe("toListParams", () => {
  it("counts ages back from now", () => {
    expect(toListParams({ within: "24h", q: "x" }, NOW)).toEqual({ q: "x", after: "2026-11-23T12:00:00.000Z", before: undefined });
  });

  it("takes days whole, in the reader's zone", () => {
    const { after, before } = toListParams({ from: "2026-11-01", to: "2026-11-30" }, NOW);
    expect(after).toBe(new Date(2026, 10, 1).toISOString());
    expect(before).toBe(new Date(2026, 11, 1).toISOString());
  });

  it("passes the rest on as it is", () => {
    const filter = { type: "text", tag: ["a"], min_size: 5, sort: "-size", versions: "all" } as const;
    expect(toListParams({ ...filter, tag: [...filter.tag] }, NOW)).toMatchObject(filter);
  });
});
