// The text of an artifact while it is being written: read as it comes, taken up again after a break, until it is closed.
import { artifactContentUrl } from "./artifactContent";
import { ApiError, openStream } from "./client";

/** What a reader of a live text is told. */
export interface FollowListener {
  onText: (text: string) => void;
  /** The server does not answer at the moment. */
  onBreak: () => void;
}

const RETRY_MS = 2_000;

/** Resolves when the artifact is closed. Rejects with an ApiError when the server refuses, and when `signal` is aborted. */
export async function followText(id: string, listener: FollowListener, signal: AbortSignal): Promise<void> {
  // The decoder keeps the first half of a character that a break cuts in two.
  const decoder = new TextDecoder();
  let offset = 0;
  for (;;) {
    try {
      const stream = await openStream(`${artifactContentUrl(id)}?follow=1${offset > 0 ? `&offset=${offset}` : ""}`, signal);
      const reader = stream.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          listener.onText(decoder.decode());
          return;
        }
        offset += value.length;
        listener.onText(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      if (signal.aborted || (error instanceof ApiError && error.failure === "refused")) throw error;
      listener.onBreak();
      await pause(RETRY_MS, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
