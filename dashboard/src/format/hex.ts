// Bytes for people: sixteen a line, with their offset and what they say in ASCII.

export interface HexLine {
  offset: string;
  hex: string;
  ascii: string;
}

const PER_LINE = 16;

/** `digits` are two hexadecimal digits a byte. */
export function hexLines(digits: string): HexLine[] {
  const bytes = digits.match(/[0-9a-f]{2}/gi) ?? [];
  const lines: HexLine[] = [];
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const line = bytes.slice(at, at + PER_LINE);
    const halves = [line.slice(0, PER_LINE / 2), line.slice(PER_LINE / 2)].map((half) => half.join(" "));
    lines.push({
      offset: at.toString(16).padStart(8, "0"),
      hex: halves.join("  ").padEnd(PER_LINE * 3),
      ascii: line.map(printable).join(""),
    });
  }
  return lines;
}

function printable(digits: string): string {
  const code = parseInt(digits, 16);
  return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "·";
}
