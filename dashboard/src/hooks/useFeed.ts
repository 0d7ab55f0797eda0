// The feed of events inside components: every batch, or only the queries that it makes stale.
import { useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

import { readFeed, subscribeToFeed } from "../api/connection";
import { watchEvents, type FeedEvent } from "../api/eventFeed";
import { throttled } from "./throttled";

export function useFeed(onEvents: (events: FeedEvent[]) => void, onFresh?: () => void): void {
  const receive = useEffectEvent(onEvents);
  const begin = useEffectEvent(() => onFresh?.());
  useEffect(
    () =>
      watchEvents({
        onEvents: (events) => {
          receive(events);
        },
        onFresh: () => {
          begin();
        },
      }),
    [],
  );
}

/** Asks for the queries again when something happens that concerns them, at most once in `gapMs`. */
export function useFeedRefresh(keys: QueryKey[], concerns: (event: FeedEvent) => boolean, gapMs: number): void {
  const client = useQueryClient();
  const refresh = useEffectEvent(() => {
    for (const queryKey of keys) void client.invalidateQueries({ queryKey }, { cancelRefetch: false });
  });
  const concernsUs = useEffectEvent(concerns);
  useEffect(() => {
    const later = throttled(() => {
      refresh();
    }, gapMs);
    const stop = watchEvents({
      onEvents: (events) => {
        if (events.some((event) => concernsUs(event))) later.call();
      },
      onFresh: later.call,
    });
    return () => {
      stop();
      later.cancel();
    };
  }, [gapMs]);
}

/** Whether changes arrive by themselves right now. */
export function useFeedIsOpen(): boolean {
  return useSyncExternalStore(subscribeToFeed, readFeed);
}
