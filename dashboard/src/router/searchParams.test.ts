// Tests of addresses: plain to read, and nothing in them can break a page.
import { describe, expect, it } from "vitest";

import { parseSearch, stringifySearch } from "./searchParams";
import { validateArtifactsSearch, validateJobsSearch } from "./searches";

describe("search parameters", () => {
  it("survive the way to the address bar and back", () => {
    const search = { status: ["failed", "active"], function: "a b&c" };
    expect(stringifySearch(search)).toBe("?status=failed&status=active&function=a+b%26c");
    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });

  it("leave absent and empty values out", () => {
    expect(stringifySearch({ status: undefined, name: "", type: [] })).toBe("");
  });
});

describe("validateJobsSearch", () => {
  it("keeps known statuses in their order, and drops the rest", () => {
    expect(validateJobsSearch({ status: ["failed", "nonsense", "queued"] })).toEqual({ status: ["queued", "failed"] });
    expect(validateJobsSearch({ status: "failed" })).toEqual({ status: ["failed"] });
    expect(validateJobsSearch({ status: "nonsense", other: "x" })).toEqual({});
  });
});

describe("validateArtifactsSearch", () => {
  it("reads words, any type, tags, sizes, times, order and the pane", () => {
    const search = {
      q: "report",
      type: "video/mp4",
      tag: ["a", "b"],
      min_size: 1_000,
      within: "24h",
      from: "2026-11-01",
      sort: "-size",
      selected: "some-id",
      tab: "versions",
      compare: "other-id",
    };
    expect(validateArtifactsSearch(parseSearch(stringifySearch(search)))).toEqual(search);
  });

  it("drops what it does not understand", () => {
    const odd = { q: "", min_size: "-1", max_size: "1e9", within: "2y", from: "yesterday", to: "2026-13-45", sort: "colour", tab: "x" };
    expect(validateArtifactsSearch(odd)).toEqual({});
  });

  it("takes one tag as a list of one, and each once", () => {
    expect(validateArtifactsSearch({ tag: "model" })).toEqual({ tag: ["model"] });
    expect(validateArtifactsSearch({ tag: ["model", "model"] })).toEqual({ tag: ["model"] });
  });
});
