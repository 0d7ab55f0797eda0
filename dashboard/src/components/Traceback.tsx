// A traceback as frames that can be read: the reader's own code first in sight, that of libraries folded away.
import { useState } from "react";

import { parseTraceback, type Frame, type TracebackPart } from "../format/traceback";
import { CopyButton } from "./CopyButton";
import { TextBlock } from "./JsonBlock";
import { Segmented } from "./Segmented";

const VIEWS = [
  ["frames", "Frames"],
  ["text", "Text"],
] as const;

export function Traceback({ text }: { text: string }) {
  const [view, setView] = useState<"frames" | "text">("frames");
  const parts = parseTraceback(text);
  if (parts === null) return <TextBlock text={text} label="Traceback" />;
  return (
    <div className="traceback">
      <div className="traceback-bar">
        <Segmented label="Traceback as" value={view} choices={VIEWS} onChange={setView} />
      </div>
      {view === "text" ? (
        <TextBlock text={text} label="Traceback" />
      ) : (
        <div className="frames" role="group" aria-label="Traceback" tabIndex={0}>
          {parts.map((part, index) => (
            <Part key={index} part={part} />
          ))}
        </div>
      )}
    </div>
  );
}

function Part({ part }: { part: TracebackPart }) {
  return (
    <>
      {part.lead !== null && <p className="frames-lead">{part.lead}</p>}
      <ol>
        {part.frames.map((frame, index) => (
          <li key={index}>
            <FrameBox frame={frame} open={!frame.foreign || part.frames.every((one) => one.foreign)} />
          </li>
        ))}
      </ol>
      <p className="frames-exception">{part.exception}</p>
    </>
  );
}

function FrameBox({ frame, open }: { frame: Frame; open: boolean }) {
  return (
    <details className="frame" open={open} data-foreign={frame.foreign}>
      <summary>
        <span className="frame-function">{frame.function}</span>
        <span className="frame-place" title={frame.file}>
          {shortened(frame.file)}:{frame.line}
        </span>
      </summary>
      <div className="frame-code">
        <pre>{frame.code.length === 0 ? "(no source)" : frame.code.join("\n")}</pre>
        <CopyButton text={`${frame.file}:${frame.line}`} label={`place ${shortened(frame.file)}:${frame.line}`} caption="Copy place" />
      </div>
    </details>
  );
}

/** The last three parts of a path say which file it is. */
function shortened(file: string): string {
  const parts = file.split(/[\\/]/);
  return parts.length <= 3 ? file : `…/${parts.slice(-3).join("/")}`;
}
