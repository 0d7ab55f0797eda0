// Tests of counts, sizes and identifiers.
import { describe, expect, it } from "vitest";

import { countOf, formatBytes, formatPercent, shortId } from "./numbers";

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 KB"],
    [999_949, "999.9 KB"],
    [999_950, "1.0 MB"],
    [268_435_456, "268.4 MB"],
    [5e15, "5000.0 TB"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("the rest", () => {
  it("counts one and many", () => {
    expect(countOf(1, "job")).toBe("1 job");
    expect(countOf(0, "job")).toBe("0 jobs");
  });

  it("rounds shares to one digit", () => {
    expect(formatPercent(96.4286)).toBe("96.4 %");
    expect(formatPercent(100)).toBe("100 %");
  });

  it("shortens an id to its end, where neighbours differ", () => {
    expect(shortId("0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10")).toBe("8d9e0f10");
    expect(shortId("abc")).toBe("abc");
  });
});
