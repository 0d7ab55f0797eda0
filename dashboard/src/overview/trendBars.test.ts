// Tests of the bars of a trend: nothing is lost when hours are put together, and the scale is round.
import { describe, expect, it } from "vitest";

import { roundTop, trendBars } from "./trendBars";

const hours = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ hour: new Date(Date.UTC(2026, 10, 20, n)), complete: n, failed: 1, retrying: 0, active: 0 }));

describe("trendBars", () => {
  it("keeps every hour while there are few", () => {
    const bars = trendBars(hours(24));
    expect(bars).toHaveLength(24);
    expect(bars.at(-1)).toMatchObject({ complete: 23, failed: 1, total: 24 });
  });

  it("puts hours of a week together without losing a job", () => {
    const week = hours(168);
    const bars = trendBars(week);
    expect(bars).toHaveLength(42);
    expect(bars.reduce((sum, bar) => sum + bar.complete, 0)).toBe(week.reduce((sum, hour) => sum + hour.complete, 0));
    expect(bars[0]?.to).toEqual(bars[1]?.from);
  });

  it("has none for nothing", () => {
    expect(trendBars([])).toEqual([]);
  });
});

describe("roundTop", () => {
  it.each([
    [0, 2],
    [3, 4],
    [11, 20],
    [101, 200],
    [1_000, 1_000],
  ])("is above %d: %d", (highest, top) => {
    expect(roundTop(highest)).toBe(top);
  });
});
