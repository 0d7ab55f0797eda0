// A stretch of time on the width of a chart: places in percent, round ticks, zoom.

export interface Span {
  from: number;
  to: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
];

/** Closer than this there is nothing to see. */
const SHORTEST_MS = 10;

/** Where a moment stands, in percent; outside of 0 to 100 when it is outside of the span. */
export function placeOf(time: number, { from, to }: Span): number {
  return (100 * (time - from)) / Math.max(1, to - from);
}

export function momentAt(share: number, { from, to }: Span): number {
  return from + share * (to - from);
}

/** Round moments inside the span, about as many as asked for. */
export function ticksOf({ from, to }: Span, wanted: number): { at: number; step: number }[] {
  const ideal = (to - from) / wanted;
  const step = STEPS.find((one) => one >= ideal) ?? 365 * DAY;
  // Whole days begin at the reader's midnight.
  const shift = step >= HOUR ? new Date(from).getTimezoneOffset() * MINUTE : 0;
  const ticks = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) ticks.push({ at, step });
  return ticks;
}

/** Closer (factor below 1) or wider around a moment, never beyond the whole. */
export function zoomed(span: Span, whole: Span, factor: number, around = (span.from + span.to) / 2): Span {
  const length = Math.min(whole.to - whole.from, Math.max(SHORTEST_MS, (span.to - span.from) * factor));
  const share = (around - span.from) / Math.max(1, span.to - span.from);
  return within({ from: around - share * length, to: around + (1 - share) * length }, whole);
}

/** The span moved by a share of its length, never beyond the whole. */
export function moved(span: Span, whole: Span, share: number): Span {
  const by = share * (span.to - span.from);
  return within({ from: span.from + by, to: span.to + by }, whole);
}

function within({ from, to }: Span, whole: Span): Span {
  const length = to - from;
  const begin = Math.max(whole.from, Math.min(from, whole.to - length));
  return { from: begin, to: begin + length };
}

const FORMATS = {
  day: new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" }),
  minute: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
  second: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
  millisecond: new Intl.DateTimeFormat(undefined, { minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 }),
};

export function tickLabel({ at, step }: { at: number; step: number }): string {
  const format = step >= DAY ? FORMATS.day : step >= MINUTE ? FORMATS.minute : step >= SECOND ? FORMATS.second : FORMATS.millisecond;
  return format.format(at);
}
