// What is particular about an artifact, in words: being written, incomplete, damaged, pinned, about to go. Nothing, mostly.
import type { Artifact } from "../api/artifacts";

interface StateFacts {
  word: string;
  /** The colour, by the name of the job status that has it. */
  colour: string;
  meaning: string;
}

const STATES: Partial<Record<Artifact["status"], StateFacts>> = {
  writing: { word: "live", colour: "active", meaning: "It is being written. What is there so far can be read." },
  uploading: { word: "uploading", colour: "queued", meaning: "It is being uploaded, and can be read once it is whole." },
  incomplete: {
    word: "incomplete",
    colour: "retrying",
    meaning: "The attempt that wrote it ended before it was closed. What was stored until then is kept.",
  },
  damaged: {
    word: "damaged",
    colour: "failed",
    meaning: "The stored bytes are not those that were written, so they are not served.",
  },
};

export function ArtifactState({ artifact }: { artifact: Artifact }) {
  const state = STATES[artifact.status];
  return (
    <>
      {state !== undefined && (
        <span className="status" data-job-status={state.colour} title={artifact.error ?? state.meaning}>
          <span className="status-dot" aria-hidden="true" />
          {state.word}
        </span>
      )}
      {artifact.pinned && (
        <span className="tag tag-pinned" title="It outlives every rule of retention">
          pinned
        </span>
      )}
    </>
  );
}

/** The same as a sentence, for the place where the content would be. */
export function stateMeaning(artifact: Artifact): string | null {
  const state = STATES[artifact.status];
  return state === undefined ? null : asSentence(artifact.error ?? state.meaning);
}

/** The server's words begin small and end without a full stop, for they stand in many places. */
function asSentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/\.$/, "")}.`;
}
