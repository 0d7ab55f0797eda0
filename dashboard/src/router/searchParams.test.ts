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
  it("reads name, type and selection", () => {
    const search = { name: "report", type: "image/png", selected: "some-id" };
    expect(validateArtifactsSearch(search)).toEqual(search);
    expect(validateArtifactsSearch({ type: "image/tiff", name: "" })).toEqual({});
  });
});
