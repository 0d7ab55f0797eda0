import { describe, expect, it } from "vitest";

import type { TrafficHour } from "../api/apis";
import { trafficBars, wordsOf } from "./trafficBars";

function hoursOf(count: number): TrafficHour[] {
  return Array.from({ length: count }, (_, place) => ({
    hour: new Date(Date.UTC(2026, 10, 24, place)),
    requests: 4,
    success: 2,
    clientErrors: 1,
    serverErrors: 1,
    errorPercent: 25,
    averageMs: 3,
    medianMs: 2,
    p95Ms: place,
  }));
}

describe("the bars of an API's traffic", () => {
  it("are one for each hour of a day", () => {
    const bars = trafficBars(hoursOf(24));
    expect(bars).toHaveLength(24);
    expect(bars[23]).toMatchObject({ requests: 4, p95Ms: 23, to: new Date(Date.UTC(2026, 10, 25, 0)) });
  });

  it("put hours of a week together, and lose no request", () => {
    const bars = trafficBars(hoursOf(168));
    expect(bars).toHaveLength(42);
    expect(bars.reduce((sum, bar) => sum + bar.requests, 0)).toBe(672);
    expect(bars.at(-1)).toMatchObject({ success: 8, clientErrors: 4, serverErrors: 4, p95Ms: 167 });
  });

  it("have words", () => {
    const [bar] = trafficBars(hoursOf(1));
    expect(bar && wordsOf(bar)).toBe("2 answered, 1 client errors, 1 server errors");
    expect(bar && wordsOf({ ...bar, success: 0, clientErrors: 0, serverErrors: 0 })).toBe("no requests");
  });
});
