// How queries stay live: repeated every two seconds while the tab is visible (TanStack Query stops hidden tabs by itself),
// and less often where the change feed says when there is something new.
import { QueryClient } from "@tanstack/react-query";

import { ApiError } from "./client";
import { readFeed } from "./connection";

export const LIVE_INTERVAL_MS = 2_000;

/** Things that change seldom or never, such as a finished job, are asked for less often. */
export const SETTLED_INTERVAL_MS = 10_000;

const STREAMED_INTERVAL_MS = 60_000;

/** The interval for one thing: slow once it is settled, or once the server said no (404, say). */
export function intervalForOne(state: { settled: boolean; error: Error | null }): number {
  const refused = state.error instanceof ApiError && state.error.failure === "refused";
  return state.settled || refused ? SETTLED_INTERVAL_MS : LIVE_INTERVAL_MS;
}

/** A list of many pages is fetched whole each time, so it refreshes in proportion. */
export function intervalForPages(pages: number): number {
  return LIVE_INTERVAL_MS * Math.max(1, pages);
}

/** What the feed tells of is asked for only now and then, in case the feed missed something. */
export function intervalWithFeed(interval: number): number {
  return readFeed() ? Math.max(interval, SETTLED_INTERVAL_MS) : interval;
}

/** What a stream brings is asked for by itself only to notice that the stream fell silent. */
export function intervalWithStream(interval: number, streamed: boolean): number {
  return streamed ? STREAMED_INTERVAL_MS : interval;
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The interval is the retry; and a server on this machine answers while the machine is offline.
        retry: false,
        networkMode: "always",
        staleTime: 1_000,
      },
    },
  });
}
