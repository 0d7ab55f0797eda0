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
});
