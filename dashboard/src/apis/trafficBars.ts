// The hours of an API's traffic as bars: few enough to be told apart.
import type { TrafficHour } from "../api/apis";

export const OUTCOMES = ["success", "clientErrors", "serverErrors"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const OUTCOME_WORDS: Record<Outcome, string> = { success: "answered", clientErrors: "client errors", serverErrors: "server errors" };

export interface TrafficBar extends Record<Outcome, number> {
  from: Date;
  to: Date;
  requests: number;
  /** The slowest of the hours; null when nothing was asked for. */
  p95Ms: number | null;
}

const HOUR_MS = 3_600_000;
const MOST_BARS = 48;

export function trafficBars(hours: TrafficHour[]): TrafficBar[] {
  const width = Math.max(1, Math.ceil(hours.length / MOST_BARS));
  const bars: TrafficBar[] = [];
  // From the newest back, so that a bar of fewer hours is the oldest.
  for (let end = hours.length; end > 0; end -= width) {
    const group = hours.slice(Math.max(0, end - width), end);
    const [first] = group;
    if (first === undefined) break;
    const bar: TrafficBar = { from: first.hour, to: new Date(first.hour.getTime() + group.length * HOUR_MS), requests: 0, success: 0, clientErrors: 0, serverErrors: 0, p95Ms: null };
    for (const hour of group) {
      bar.requests += hour.requests;
      for (const outcome of OUTCOMES) bar[outcome] += hour[outcome];
      if (hour.p95Ms !== null) bar.p95Ms = Math.max(bar.p95Ms ?? 0, hour.p95Ms);
    }
    bars.push(bar);
  }
  return bars.reverse();
}

export function wordsOf(bar: TrafficBar): string {
  const words = OUTCOMES.filter((outcome) => bar[outcome] > 0).map((outcome) => `${bar[outcome].toLocaleString()} ${OUTCOME_WORDS[outcome]}`);
  return words.length === 0 ? "no requests" : words.join(", ");
}
