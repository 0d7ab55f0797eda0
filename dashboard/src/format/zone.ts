// What the clocks of a zone show, and when they show it. A wall clock is a `Date` whose UTC parts are what the clock shows.

const HOUR_MS = 3_600_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of the zone show at that moment; null for a zone that the browser does not know. */
export function wallClock(at: Date, zone: string): Date | null {
  const format = formatOf(zone);
  if (format === null) return null;
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, at.getUTCMilliseconds()));
}

/** When the clocks of the zone show that: the first time, if they show it twice; null if they never do. */
export function instantOf(wall: Date, zone: string): Date | null {
  // The offset changes by a few hours at most, so it is one of those of the day before and the day after.
  for (const hours of [-24, 24]) {
    const near = new Date(wall.getTime() + hours * HOUR_MS);
    const shown = wallClock(near, zone);
    if (shown === null) return null;
    const instant = new Date(wall.getTime() - (shown.getTime() - near.getTime()));
    if (wallClock(instant, zone)?.getTime() === wall.getTime()) return instant;
  }
  return null;
}

function formatOf(zone: string): Intl.DateTimeFormat | null {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
    return format;
  } catch {
    return null;
  }
}
