// Tests of what jobs tell of the time before.
import { describe, expect, it } from "vitest";

import { toJob } from "../api/jobs";
import { makeWireJob } from "../test/factories";
import { eventsBefore } from "./eventsBefore";

const OPENED = new Date("2026-11-24T03:00:00Z");

describe("eventsBefore", () => {
  it("tells begins and ends, newest first", () => {
    const done = toJob(makeWireJob({ id: "done", status: "failed", started_at: "2026-11-24T02:00:00Z", completed_at: "2026-11-24T02:10:00Z" }));
    const running = toJob(makeWireJob({ id: "running", status: "active", started_at: "2026-11-24T02:05:00Z", completed_at: null }));
    expect(eventsBefore([done, running], OPENED).map((event) => [event.type, event.jobId])).toEqual([
      ["job.failed", "done"],
      ["job.started", "running"],
      ["job.started", "done"],
    ]);
  });

  it("leaves to the feed what came later, and knows nothing of jobs that wait", () => {
    const later = toJob(makeWireJob({ status: "complete", started_at: "2026-11-24T02:59:00Z", completed_at: "2026-11-24T03:01:00Z" }));
    const waiting = toJob(makeWireJob({ status: "queued", started_at: null, completed_at: null }));
    expect(eventsBefore([later, waiting], OPENED).map(({ type }) => type)).toEqual(["job.started"]);
  });
});
