// A text while it is being written: it grows as the job writes it, and stays at its end unless the reader scrolls up.
import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";

import type { Artifact } from "../../api/artifacts";
import { Pieces } from "./TerminalText";
import { useFollowedText, type FollowState } from "./useFollowedText";
import type { TextBlock } from "./liveBlocks";

/** Closer to the end than this counts as being at the end. */
const NEAR_END_PX = 24;

const WORDS: Record<FollowState, string> = {
  waiting: "Waiting for its first words…",
  following: "Live. New lines appear as they are written.",
  broken: "The server does not answer. Reading goes on where it stopped.",
  closed: "It has been closed; this is all of it.",
  refused: "",
};

export function LiveText({ artifact }: { artifact: Artifact }) {
  const { text, state, problem } = useFollowedText(artifact.id);
  const frame = useRef<HTMLPreElement>(null);
  const [pinned, setPinned] = useState(true);
  useLayoutEffect(() => {
    const element = frame.current;
    if (pinned && element !== null) element.scrollTop = element.scrollHeight;
  }, [text, pinned]);
  usePinWhileAtEnd(frame, setPinned);
  return (
    <div className="viewer live">
      <div className="viewer-bar">
        <span className="status" data-job-status={state === "closed" ? "complete" : state === "broken" ? "retrying" : "active"}>
          <span className="status-dot" aria-hidden="true" />
          {state === "closed" ? "closed" : state === "broken" ? "waiting" : "live"}
        </span>
        <span className="muted" role="status">
          {problem ?? WORDS[state]}
        </span>
      </div>
      {text.dropped && <p className="code-note">The beginning is not kept here. Download it to see all.</p>}
      <pre className="code" ref={frame} tabIndex={0} role="group" aria-label={`Content of ${artifact.name}`}>
        {text.blocks.map((block) => (
          <Block key={block.number} block={block} />
        ))}
      </pre>
      {!pinned && (
        <button
          type="button"
          className="button button-small live-end"
          onClick={() => {
            setPinned(true);
          }}
        >
          Jump to the end
        </button>
      )}
    </div>
  );
}

/** Only the last block grows; the others stay as they are. */
const Block = memo(function Block({ block }: { block: TextBlock }) {
  return (
    <span className="code-block">
      <Pieces pieces={block.pieces} />
    </span>
  );
});

function usePinWhileAtEnd(frame: React.RefObject<HTMLPreElement | null>, setPinned: (pinned: boolean) => void): void {
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const look = (): void => {
      setPinned(element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR_END_PX);
    };
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      element.removeEventListener("scroll", look);
    };
  }, [frame, setPinned]);
}
