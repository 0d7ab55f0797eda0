// Tests of the next runs of cron schedules.
import { describe, expect, it } from "vitest";

import { nextRuns } from "./cron";

const FROM = new Date("2026-11-24T10:07:30Z"); // a Tuesday

function next(schedule: string, count = 2): string[] | undefined {
  return nextRuns(schedule, FROM, count)?.map((date) => date.toISOString().slice(0, 19));
}

describe("nextRuns", () => {
  it.each([
    ["*/5 * * * *", ["2026-11-24T10:10:00", "2026-11-24T10:15:00"]],
    ["0 3 * * *", ["2026-11-25T03:00:00", "2026-11-26T03:00:00"]],
    ["*/30 * * * * *", ["2026-11-24T10:08:00", "2026-11-24T10:08:30"]],
    ["0 9-17/4 * * mon-fri", ["2026-11-24T13:00:00", "2026-11-24T17:00:00"]],
    ["0 0 1 jan *", ["2027-01-01T00:00:00", "2028-01-01T00:00:00"]],
    ["0 0 * * 7", ["2026-11-29T00:00:00", "2026-12-06T00:00:00"]],
    ["0 0 1 * sun", ["2026-11-29T00:00:00", "2026-12-01T00:00:00"]],
  ])("of %s", (schedule, runs) => {
    expect(next(schedule)).toEqual(runs);
  });

  it("has none for a day that never comes", () => {
    expect(next("0 0 31 2 *")).toEqual([]);
  });

  it.each(["@daily", "61 * * * *", "* * *", "5-1 * * * *", "L * * * *"])("does not guess at %s", (schedule) => {
    expect(next(schedule)).toBeUndefined();
  });

  it.each([
    ["0 3 * * *", "Europe/Berlin", "2026-11-24T10:00:00Z", ["2026-11-25T02:00:00", "2026-11-26T02:00:00"]],
    ["0 3 * * *", "Asia/Kolkata", "2026-11-24T10:00:00Z", ["2026-11-24T21:30:00", "2026-11-25T21:30:00"]],
    // The clocks go forward at two: there is no half past two on that day.
    ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["2026-03-30T00:30:00", "2026-03-31T00:30:00"]],
    // They go back at three: half past two comes twice, the first one counts.
    ["30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]],
  ])("of %s in %s", (schedule, zone, from, runs) => {
    expect(nextRuns(schedule, new Date(from), 2, zone)?.map((date) => date.toISOString().slice(0, 19))).toEqual(runs);
  });

  it("does not guess at a zone it does not know", () => {
    expect(nextRuns("0 3 * * *", FROM, 2, "Mars/Olympus")).toBeNull();
  });
});
