// The hours of a trend as bars: few enough to be told apart, under a scale that ends in a round number.
import type { TrendHour } from "../api/overview";

export const SERIES = ["complete", "failed", "retrying", "active"] as const;
export type Series = (typeof SERIES)[number];

export interface TrendBar extends Record<Series, number> {
  from: Date;
  to: Date;
  total: number;
}

const HOUR_MS = 3_600_000;
const MOST_BARS = 48;

export function trendBars(hours: TrendHour[]): TrendBar[] {
  const width = Math.max(1, Math.ceil(hours.length / MOST_BARS));
  const bars: TrendBar[] = [];
  // From the newest back, so that a bar of fewer hours is the oldest.
  for (let end = hours.length; end > 0; end -= width) {
    const group = hours.slice(Math.max(0, end - width), end);
    const [first] = group;
    if (first === undefined) break;
    const bar = { from: first.hour, to: new Date(first.hour.getTime() + group.length * HOUR_MS), total: 0, complete: 0, failed: 0, retrying: 0, active: 0 };
    for (const hour of group) for (const series of SERIES) bar[series] += hour[series];
    bar.total = SERIES.reduce((sum, series) => sum + bar[series], 0);
    bars.push(bar);
  }
  return bars.reverse();
}

/** The smallest of 2, 4, 10, 20, 40, 100, … that is not below the highest bar: half of it is a whole number, too. */
export function roundTop(highest: number): number {
  for (let unit = 2; ; unit *= 10) {
    for (const step of [1, 2, 5]) if (unit * step >= highest) return unit * step;
  }
}
