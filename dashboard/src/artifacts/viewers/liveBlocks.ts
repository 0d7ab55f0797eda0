// A growing text as blocks of coloured lines: only the last block changes, and the oldest go once there are many.
import { PLAIN, type AnsiPiece, type AnsiStyle } from "../../format/ansi";
import { colouredLines } from "./TerminalText";

export interface TextBlock {
  number: number;
  pieces: AnsiPiece[];
}

export interface LiveBlocks {
  blocks: TextBlock[];
  /** True when the beginning is gone. */
  dropped: boolean;
  /** Of the last block: its text as it came, and the style before it. */
  open: { text: string; style: AnsiStyle };
}

export const EMPTY: LiveBlocks = { blocks: [], dropped: false, open: { text: "", style: PLAIN } };

const LINES_PER_BLOCK = 200;
const MAX_BLOCKS = 100;
/** A line may go on and on, with a progress bar's carriage returns for example. */
const MAX_BLOCK_CHARS = 200_000;

export function append(before: LiveBlocks, added: string): LiveBlocks {
  if (added === "") return before;
  const blocks = before.blocks.slice(0, -1);
  let number = before.blocks.at(-1)?.number ?? 0;
  let { style } = before.open;
  let lines = (before.open.text + added).split("\n");
  while (lines.length > LINES_PER_BLOCK || lines.length > 1 && lengthOf(lines) > MAX_BLOCK_CHARS) {
    const whole = lines.slice(0, Math.min(LINES_PER_BLOCK, lines.length - 1));
    lines = lines.slice(whole.length);
    const done = colouredLines([...whole, ""], style);
    style = done.style;
    blocks.push({ number, pieces: done.pieces });
    number += 1;
  }
  const text = lastWritten(lines.join("\n"));
  blocks.push({ number, pieces: colouredLines(text.split("\n"), style).pieces });
  const dropped = blocks.length > MAX_BLOCKS;
  return { blocks: blocks.slice(-MAX_BLOCKS), dropped: before.dropped || dropped, open: { text, style } };
}

function lengthOf(lines: string[]): number {
  return lines.reduce((sum, line) => sum + line.length, 0);
}

/** What carriage returns have overwritten on the last line need not be kept. */
function lastWritten(text: string): string {
  const lineStart = text.lastIndexOf("\n") + 1;
  const line = text.slice(lineStart);
  const parts = line.split("\r");
  if (parts.length <= 2) return text;
  return text.slice(0, lineStart) + parts.slice(-2).join("\r");
}
