// Tests of what the feed does to lists of jobs: rows in place, pages without a change untouched, new jobs counted.
import { describe, expect, it } from "vitest";

import { makeJob, makeWireJobEvent } from "../test/factories";
import { toFeedEvent, type JobEvent } from "./eventFeed";
import { latestByJob, mayBeNew, patchJob, patchPages } from "./jobEvents";

function event(facts: Parameters<typeof makeWireJobEvent>[0]): JobEvent {
  const made = toFeedEvent({ id: "1", event: "message", data: JSON.stringify(makeWireJobEvent(facts)) });
  if (made?.kind !== "job") throw new Error("not a job's event");
  return made;
}

describe("patchPages", () => {
  const running = makeJob({ status: "active", durationMs: null, startedAt: new Date("2026-11-24T02:00:00Z") });
  const page = (items: (typeof running)[]) => ({ items, total: items.length, totalIsCapped: false, nextCursor: null });
  const data = { pages: [page([makeJob()]), page([running])], pageParams: [null, "x"] };

  it("changes the row it is about, and leaves other pages as they are", () => {
    const done = event({ job_id: running.id, type: "job.completed", status: "complete", at: "2026-11-24T02:00:03Z", progress: 1 });
    const next = patchPages(data, latestByJob([done]));
    expect(next.pages[0]).toBe(data.pages[0]);
    expect(next.pages[1]?.items[0]).toMatchObject({ status: "complete", durationMs: 3_000, progress: 1 });
  });

  it("is the same object when it is about none of them", () => {
    expect(patchPages(data, latestByJob([event({})]))).toBe(data);
  });

  it("goes by the newest event of a job", () => {
    const steps = [0.2, 0.7].map((progress) => event({ job_id: running.id, type: "job.progress", status: "active", progress }));
    expect(patchPages(data, latestByJob(steps)).pages[1]?.items[0]?.progress).toBe(0.7);
  });
});

describe("patchJob", () => {
  it("begins anew with the next attempt", () => {
    const failed = makeJob({ status: "failed" });
    const next = patchJob(failed, event({ job_id: failed.id, type: "job.started", status: "active", attempt: 5 }));
    expect(next).toMatchObject({ status: "active", attempts: 5, maxAttempts: 5, completedAt: null, durationMs: null });
  });
});

describe("mayBeNew", () => {
  const newer = event({ job_id: "b", status: "queued" });

  it("takes only what is newer than the list", () => {
    expect(mayBeNew(newer, "a", {})).toBe(true);
    expect(mayBeNew(newer, "b", {})).toBe(false);
    expect(mayBeNew(newer, undefined, {})).toBe(true);
  });

  it("minds the filter", () => {
    expect(mayBeNew(newer, "a", { status: ["failed"] })).toBe(false);
    expect(mayBeNew(newer, "a", { status: ["queued"], function: "generate_report" })).toBe(true);
    expect(mayBeNew(newer, "a", { function: "other" })).toBe(false);
    expect(mayBeNew(newer, "a", { before: "2026-11-24T00:00:00Z" })).toBe(false);
  });
});
