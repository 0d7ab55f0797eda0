// Terminal text as coloured pieces: SGR colours and styles become class names, other escape sequences vanish, and a carriage
// return starts its line afresh, as progress bars expect. The state at the end goes into the next part of a stream.

export interface AnsiStyle {
  /** 0 to 15, or null for the default. */
  colour: number | null;
  background: number | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

export interface AnsiPiece {
  text: string;
  /** Space-separated class names; empty for plain text. */
  classes: string;
}

export const PLAIN: AnsiStyle = { colour: null, background: null, bold: false, dim: false, italic: false, underline: false };

// eslint-disable-next-line no-control-regex -- escape sequences are control characters
const ESCAPE = /\u001b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g;

export function holdsEscapes(text: string): boolean {
  return text.includes("\u001b") || /\r(?!\n)/.test(text);
}

/** One line without its line break. */
export function ansiLine(line: string, style: AnsiStyle): { pieces: AnsiPiece[]; style: AnsiStyle } {
  const shown = afterReturns(line);
  const pieces: AnsiPiece[] = [];
  let current = style;
  let at = 0;
  const put = (text: string): void => {
    if (text !== "") pieces.push({ text, classes: classesOf(current) });
  };
  for (const match of shown.matchAll(ESCAPE)) {
    put(shown.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") current = applied(current, match[1] ?? "");
  }
  put(shown.slice(at));
  return { pieces, style: current };
}

/** What stays on the screen of a line that returned to its beginning: the last part that wrote something. */
function afterReturns(line: string): string {
  if (!line.includes("\r")) return line;
  const parts = line.split("\r");
  return parts.findLast((part) => part !== "") ?? "";
}

function applied(before: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(/[;:]/).map(Number);
  const style = { ...before };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) Object.assign(style, PLAIN);
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.underline = false;
    else if (code >= 30 && code <= 37) style.colour = code - 30;
    else if (code >= 90 && code <= 97) style.colour = code - 82;
    else if (code === 39) style.colour = null;
    else if (code >= 40 && code <= 47) style.background = code - 40;
    else if (code >= 100 && code <= 107) style.background = code - 92;
    else if (code === 49) style.background = null;
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1);
      if (code === 38) style.colour = colour;
      else style.background = colour;
      at += used;
    }
  }
  return style;
}

/** `5;n` and `2;r;g;b` as the nearest of the sixteen: those follow the dashboard's theme and stay readable in it. */
function extended(codes: number[], at: number): [colour: number | null, used: number] {
  const [mode, first = 0, second = 0, third = 0] = codes.slice(at, at + 4);
  if (mode === 5) return [first < 16 ? first : nearest(...fromPalette(first)), 2];
  if (mode === 2) return [nearest(first, second, third), 4];
  return [null, 0];
}

function fromPalette(index: number): [number, number, number] {
  if (index >= 232) return [8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10];
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
}

function nearest(red: number, green: number, blue: number): number {
  const most = Math.max(red, green, blue);
  const bit = (part: number): number => (part > most / 2 && part > 40 ? 1 : 0);
  const colour = bit(red) + 2 * bit(green) + 4 * bit(blue);
  if (colour === 7) return most > 200 ? 15 : most > 110 ? 7 : 8;
  return most > 200 ? colour + 8 : colour;
}

function classesOf(style: AnsiStyle): string {
  const classes: string[] = [];
  if (style.colour !== null) classes.push(`ansi-${style.colour}`);
  if (style.background !== null) classes.push(`ansi-on-${style.background}`);
  for (const word of ["bold", "dim", "italic", "underline"] as const) if (style[word]) classes.push(`ansi-${word}`);
  return classes.join(" ");
}
