// Follows an artifact's text as long as the component is there. What comes in quick succession is put on the page together.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { followText } from "../../api/followedText";
import { append, EMPTY, type LiveBlocks } from "./liveBlocks";

export type FollowState = "waiting" | "following" | "broken" | "closed" | "refused";

const SHOW_EVERY_MS = 100;

export function useFollowedText(id: string): { text: LiveBlocks; state: FollowState; problem: string | null } {
  const client = useQueryClient();
  const [text, setText] = useState(EMPTY);
  const [state, setState] = useState<FollowState>("waiting");
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    let waiting = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (): void => {
      timer = undefined;
      const added = waiting;
      waiting = "";
      setText((before) => append(before, added));
    };
    const onText = (added: string): void => {
      waiting += added;
      setState("following");
      timer ??= setTimeout(show, SHOW_EVERY_MS);
    };
    const onBreak = (): void => {
      setState("broken");
    };
    followText(id, { onText, onBreak }, stop.signal).then(
      () => {
        setState("closed");
        void client.invalidateQueries({ queryKey: ["artifact", id], exact: true });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setState("refused");
        setProblem(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      stop.abort();
      clearTimeout(timer);
      setText(EMPTY);
      setState("waiting");
    };
  }, [client, id]);
  return { text, state, problem };
}
