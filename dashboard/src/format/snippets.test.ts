// Tests of the texts to copy: hostile names must not become commands.
import { describe, expect, it } from "vitest";

import { makeArtifact } from "../test/factories";
import { curlFor, linkTo, pythonFor } from "./snippets";

describe("snippets", () => {
  it("link to the pane", () => {
    expect(linkTo(makeArtifact({ id: "some-id" }))).toBe("http://dashboard.test/artifacts?selected=some-id");
  });

  it("quote names for the shell, and keep to the folder one is in", () => {
    const curl = (name: string): string => curlFor(makeArtifact({ id: "some-id", name }));
    expect(curl("a/it's $(rm).txt")).toBe(
      `curl --fail --output 'it'\\''s $(rm).txt' 'http://dashboard.test/api/v1/artifacts/some-id/content?download=true'`,
    );
    expect(curl("-o")).toContain("--output './-o'");
  });

  it.each([
    [{ type: "json", contentType: "application/json" }, ".json()"],
    [{ type: "application/geo+json", contentType: "application/geo+json" }, ".json()"],
    [{ type: "text/markdown", contentType: "text/markdown" }, ".text()"],
    [{ type: "image/png", contentType: "image/png" }, ".bytes()"],
  ])("read %o by its kind in Python", (facts, reading) => {
    expect(pythonFor(makeArtifact(facts))).toContain(`data = await artifact${reading}`);
  });
});
