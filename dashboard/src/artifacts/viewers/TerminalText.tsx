// Text as a terminal shows it. Long texts are cut into blocks that the browser lays out only when they come into sight.
import { memo } from "react";

import { ansiLine, holdsEscapes, PLAIN, type AnsiPiece, type AnsiStyle } from "../../format/ansi";

const LINES_PER_BLOCK = 200;

export const TerminalText = memo(function TerminalText({ text, label }: { text: string; label: string }) {
  return (
    <pre className="code" tabIndex={0} role="group" aria-label={label}>
      {holdsEscapes(text) ? <Blocks text={text} /> : text}
    </pre>
  );
});

function Blocks({ text }: { text: string }) {
  const lines = text.split("\n");
  const blocks: React.ReactNode[] = [];
  let style = PLAIN;
  for (let at = 0; at < lines.length; at += LINES_PER_BLOCK) {
    const part = lines.slice(at, at + LINES_PER_BLOCK);
    const block = colouredLines(part, style);
    style = block.style;
    blocks.push(
      <span key={at} className="code-block">
        <Pieces pieces={block.pieces} />
        {at + LINES_PER_BLOCK < lines.length && "\n"}
      </span>,
    );
  }
  return <>{blocks}</>;
}

/** Lines with their breaks between them; the style at the end belongs to what follows. */
export function colouredLines(lines: string[], style: AnsiStyle): { pieces: AnsiPiece[]; style: AnsiStyle } {
  const pieces: AnsiPiece[] = [];
  let current = style;
  lines.forEach((line, index) => {
    const coloured = ansiLine(line.endsWith("\r") ? line.slice(0, -1) : line, current);
    pieces.push(...coloured.pieces);
    if (index < lines.length - 1) pieces.push({ text: "\n", classes: "" });
    current = coloured.style;
  });
  return { pieces, style: current };
}

export function Pieces({ pieces }: { pieces: AnsiPiece[] }) {
  return (
    <>
      {pieces.map(({ text, classes }, index) =>
        classes === "" ? (
          text
        ) : (
          <span key={index} className={classes}>
            {text}
          </span>
        ),
      )}
    </>
  );
}
