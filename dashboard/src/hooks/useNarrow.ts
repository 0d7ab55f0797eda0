// Whether the window is as narrow as a phone; the same width as in the style sheets.
import { useSyncExternalStore } from "react";

const query = typeof window.matchMedia === "function" ? window.matchMedia("(max-width: 720px)") : null;

function subscribe(listener: () => void): () => void {
  query?.addEventListener("change", listener);
  return () => {
    query?.removeEventListener("change", listener);
  };
}

export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => query?.matches ?? false);
}
