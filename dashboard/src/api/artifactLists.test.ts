// Tests of what events do to a list of artifacts that holds still.
import { describe, expect, it } from "vitest";

import { makeWireArtifact } from "../test/factories";
import { mayBelong, patchPages, type ArtifactPages } from "./artifactEvents";
import { toArtifact, type ArtifactFilter } from "./artifacts";
import type { ArtifactEvent } from "./eventFeed";

function event(type: string, facts: Parameters<typeof makeWireArtifact>[0] = {}, gone = false): ArtifactEvent {
  const artifact = toArtifact(makeWireArtifact(facts));
  return { kind: "artifact", id: "9", type, at: artifact.createdAt, jobId: artifact.jobId, artifactId: artifact.id, artifact: gone ? null : artifact };
}

describe("patchPages", () => {
  const [kept, changed, gone] = ["a", "b", "c"].map((id) => toArtifact(makeWireArtifact({ id })));
  const pages: ArtifactPages = {
    pageParams: [null, "next"],
    pages: [kept, changed, gone].flatMap((artifact) => (artifact ? [{ items: [artifact], total: 3, totalIsCapped: false, nextCursor: null }] : [])),
  };

  it("changes and removes rows where they are, and leaves the other pages the same objects", () => {
    const events = [event("artifact.updated", { id: "b", pinned: true }), event("artifact.deleted", { id: "c" }, true), event("artifact.created", { id: "d" })];
    const patched = patchPages(pages, new Map(events.map((one) => [one.artifactId, one])));
    expect(patched.pages.map(({ items }) => items.map(({ id, pinned }) => [id, pinned]))).toEqual([[["a", false]], [["b", true]], []]);
    expect(patched.pages[0]).toBe(pages.pages[0]);
  });

  it("is the same object when nothing concerns it", () => {
    expect(patchPages(pages, new Map([["z", event("artifact.updated", { id: "z" })]]))).toBe(pages);
  });
});

describe("mayBelong", () => {
  const made = event("artifact.created", { name: "Report.json", type: "json", tags: ["daily", "north"], size_bytes: 500, job_id: "j", metadata: { rows: 12 } });

  it.each<[string, ArtifactFilter, boolean]>([
    ["everything", {}, true],
    ["its type", { type: "json" }, true],
    ["another type", { type: "text" }, false],
    ["both of its tags", { tag: ["north", "daily"] }, true],
    ["a tag it lacks", { tag: ["daily", "south"] }, false],
    ["words of its name and its metadata", { q: "report rows" }, true],
    ["a word it lacks", { q: "report invoice" }, false],
    ["another job", { job_id: "k" }, false],
    ["larger ones", { min_size: 501 }, false],
    ["smaller ones", { max_size: 499 }, false],
    ["what events do not tell", { read_by: "r" }, false],
  ])("in a list of %s", (_, filter, belongs) => {
    expect(mayBelong(made, filter)).toBe(belongs);
  });

  it("counts only what was made", () => {
    expect(mayBelong(event("artifact.updated"), {})).toBe(false);
    expect(mayBelong(event("artifact.deleted", {}, true), {})).toBe(false);
  });
});
