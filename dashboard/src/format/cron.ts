// When a cron schedule fires: a reader of 5 fields, or 6 with seconds first, by the clocks of one zone. It is there to show
// the next runs; the server alone decides.

import { instantOf, wallClock } from "./zone";

interface Schedule {
  second: Set<number>;
  minute: Set<number>;
  hour: Set<number>;
  day: Set<number>;
  month: Set<number>;
  weekday: Set<number>;
  /** Either of day and weekday will do when both are narrowed down. */
  dayIsFree: boolean;
  weekdayIsFree: boolean;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MOST_DAYS = 1_500;

/** The next moments after `from`; null when the schedule or the zone is one that this reader does not know. */
export function nextRuns(schedule: string, from: Date, count: number, zone = "UTC"): Date[] | null {
  const parsed = parse(schedule);
  const begin = wallClock(from, zone);
  if (parsed === null || begin === null) return null;
  const runs: Date[] = [];
  const day = new Date(Date.UTC(begin.getUTCFullYear(), begin.getUTCMonth(), begin.getUTCDate()));
  for (let days = 0; days < MOST_DAYS && runs.length < count; days += 1) {
    if (fires(parsed, day)) collect(parsed, day, { from, zone, count }, runs);
    day.setUTCDate(day.getUTCDate() + 1);
  }
  return runs;
}

function fires(schedule: Schedule, day: Date): boolean {
  if (!schedule.month.has(day.getUTCMonth() + 1)) return false;
  const onDay = schedule.day.has(day.getUTCDate());
  const onWeekday = schedule.weekday.has(day.getUTCDay());
  return schedule.dayIsFree || schedule.weekdayIsFree ? onDay && onWeekday : onDay || onWeekday;
}

function collect(schedule: Schedule, day: Date, { from, zone, count }: { from: Date; zone: string; count: number }, runs: Date[]): void {
  for (const hour of schedule.hour) {
    for (const minute of schedule.minute) {
      for (const second of schedule.second) {
        const at = instantOf(new Date(day.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000), zone);
        // Clocks that are set forward leave some times out.
        if (at !== null && at > from) runs.push(at);
        if (runs.length >= count) return;
      }
    }
  }
}

function parse(schedule: string): Schedule | null {
  const fields = schedule.trim().toLowerCase().split(/\s+/);
  if (fields.length === 5) fields.unshift("0");
  const [second, minute, hour, day, month, weekday] = fields;
  if (fields.length !== 6 || second === undefined || minute === undefined || hour === undefined) return null;
  if (day === undefined || month === undefined || weekday === undefined) return null;
  const sets = [
    field(second, 0, 59),
    field(minute, 0, 59),
    field(hour, 0, 23),
    field(day, 1, 31),
    field(month, 1, 12, MONTHS, 1),
    field(weekday, 0, 7, DAYS, 0),
  ];
  const [seconds, minutes, hours, days, months, weekdays] = sets;
  if (!seconds || !minutes || !hours || !days || !months || !weekdays) return null;
  if (weekdays.delete(7)) weekdays.add(0);
  return {
    second: seconds,
    minute: minutes,
    hour: hours,
    day: days,
    month: months,
    weekday: weekdays,
    dayIsFree: day.startsWith("*") || day === "?",
    weekdayIsFree: weekday.startsWith("*") || weekday === "?",
  };
}

function field(text: string, low: number, high: number, names: string[] = [], firstName = 0): Set<number> | null {
  const values = new Set<number>();
  const numberOf = (word: string): number => (names.includes(word) ? names.indexOf(word) + firstName : /^\d+$/.test(word) ? Number(word) : NaN);
  for (const part of text.split(",")) {
    const [, range = "", step = "1"] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    const [from, to] = range === "*" || range === "?" ? [low, high] : range.split("-").map(numberOf);
    const last = to ?? (part.includes("/") ? high : from);
    if (from === undefined || last === undefined || !(from >= low && last <= high && from <= last) || Number(step) < 1) return null;
    for (let value = from; value <= last; value += Number(step)) values.add(value);
  }
  return new Set([...values].sort((a, b) => a - b));
}
