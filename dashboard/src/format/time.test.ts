// Tests of times and durations.
import { describe, expect, it } from "vitest";

import { exactTime, formatDuration, relativeTime } from "./time";

const NOW = Date.parse("2026-11-24T12:00:00Z");

describe("relativeTime", () => {
  it.each([
    [0, "just now"],
    [999, "just now"],
    [3_000, "3 s ago"],
    [59_999, "59 s ago"],
    [60_000, "1 min ago"],
    [2 * 3_600_000, "2 h ago"],
    [50 * 3_600_000, "2 d ago"],
  ])("tells an age of %d ms as %s", (age, text) => {
    expect(relativeTime(new Date(NOW - age), NOW)).toBe(text);
  });

  it("takes a slightly fast server clock for now, and a planned time for the future", () => {
    expect(relativeTime(new Date(NOW + 2_000), NOW)).toBe("just now");
    expect(relativeTime(new Date(NOW + 90_000), NOW)).toBe("in 1 min");
  });
});

describe("exactTime", () => {
  it("keeps milliseconds and names the zone", () => {
    expect(exactTime(new Date("2026-11-24T12:00:00.123Z"))).toMatch(/123.*\S+$/);
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0 ms"],
    [340.4, "340 ms"],
    [1_000, "1.0 s"],
    [59_990, "59.9 s"],
    [61_500, "1 min 1 s"],
    [3_600_000, "1 h"],
    [90_000_000, "1 d 1 h"],
    [-5, "0 ms"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
