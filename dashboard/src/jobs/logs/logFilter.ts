// Which lines of a log are shown: from a level on, and those that hold some words.
import { toJsonText } from "../../api/json";
import type { LogLine } from "../../api/jobHistory";

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const RANKS: Record<string, number> = { trace: 0, debug: 0, info: 1, warn: 2, warning: 2, error: 3, critical: 3, fatal: 3 };

/** A level that nobody knows counts as information. */
export function rankOf(level: string): number {
  return RANKS[level] ?? 1;
}

export function filterLines(lines: LogLine[], level: LogLevel, words: string): LogLine[] {
  const least = rankOf(level);
  const wanted = words.trim().toLowerCase();
  if (least === 0 && wanted === "") return lines;
  return lines.filter((line) => rankOf(line.level) >= least && (wanted === "" || textOf(line).toLowerCase().includes(wanted)));
}

/** A line as one text: to search in, and to copy. */
export function textOf(line: LogLine): string {
  return line.extra === null ? line.message : `${line.message} ${toJsonText(line.extra)}`;
}

/** The text cut where the words stand, each piece with whether it is them. */
export function marked(text: string, words: string): { text: string; hit: boolean }[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return [{ text, hit: false }];
  const pieces: { text: string; hit: boolean }[] = [];
  const lower = text.toLowerCase();
  let from = 0;
  // Lower case may be longer than the text itself; then nothing is marked rather than the wrong place.
  if (lower.length !== text.length) return [{ text, hit: false }];
  for (let at = lower.indexOf(wanted); at !== -1; at = lower.indexOf(wanted, from)) {
    if (at > from) pieces.push({ text: text.slice(from, at), hit: false });
    pieces.push({ text: text.slice(at, at + wanted.length), hit: true });
    from = at + wanted.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), hit: false });
  return pieces;
}
