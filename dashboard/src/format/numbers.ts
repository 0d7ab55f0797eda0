// Counts, sizes, shares and identifiers for people.

const countFormat = new Intl.NumberFormat();

export function formatCount(count: number): string {
  return countFormat.format(count);
}

/** `1 job`, `2 jobs`, `1,284 jobs`. */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A total that the server stopped counting at: `1,000+ artifacts`. */
export function totalOf(total: { total: number; totalIsCapped: boolean }, noun: string): string {
  return total.totalIsCapped ? `${formatCount(total.total)}+ ${noun}s` : countOf(total.total, noun);
}

const UNITS = ["KB", "MB", "GB", "TB"] as const;

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  let size = bytes / 1_000;
  let unit = 0;
  // 999.95 would round to "1000.0".
  while (size >= 999.95 && unit < UNITS.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${size.toFixed(1)} ${UNITS[unit] ?? "TB"}`;
}

export function formatPercent(percent: number): string {
  const rounded = Math.round(percent * 10) / 10;
  return `${rounded} %`;
}

/** The end of an id: ids begin with the time they were made, so neighbours differ only at the end. */
export function shortId(id: string): string {
  return id.length <= 8 ? id : id.slice(-8);
}
