// Tests of the scale of timelines: places, round ticks, and a zoom that stays inside.
import { describe, expect, it } from "vitest";

import { moved, placeOf, ticksOf, zoomed } from "./timeScale";

const whole = { from: 0, to: 100_000 };

describe("placeOf", () => {
  it("is a share of the span", () => {
    expect(placeOf(25_000, whole)).toBe(25);
    expect(placeOf(-1_000, whole)).toBe(-1);
  });

  it("survives an empty span", () => {
    expect(placeOf(5, { from: 5, to: 5 })).toBe(0);
  });
});

describe("ticksOf", () => {
  it("gives few round moments for any length", () => {
    for (const length of [5, 900, 45_000, 3_600_000, 90_000_000, 4e10]) {
      const ticks = ticksOf({ from: 1_700_000_000_123, to: 1_700_000_000_123 + length }, 6);
      expect(ticks.length).toBeGreaterThan(0);
      expect(ticks.length).toBeLessThanOrEqual(14);
    }
  });
});

describe("zoomed", () => {
  it("keeps the moment under the pointer in its place", () => {
    const near = zoomed(whole, whole, 0.5, 20_000);
    expect(near.to - near.from).toBe(50_000);
    expect(placeOf(20_000, near)).toBeCloseTo(placeOf(20_000, whole));
  });

  it("never goes beyond the whole, nor below what can be seen", () => {
    expect(zoomed(whole, whole, 10)).toEqual(whole);
    const near = zoomed({ from: 0, to: 12 }, whole, 0.1);
    expect(near.to - near.from).toBe(10);
  });
});

describe("moved", () => {
  it("stops at the ends", () => {
    expect(moved({ from: 0, to: 10 }, whole, -1)).toEqual({ from: 0, to: 10 });
    expect(moved({ from: 99_990, to: 100_000 }, whole, 1)).toEqual({ from: 99_990, to: 100_000 });
  });
});
