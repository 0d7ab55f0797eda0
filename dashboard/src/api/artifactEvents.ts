// What the feed says about artifacts: it brings the records and lists on the page up to date, in batches.
import type { QueryClient } from "@tanstack/react-query";

import { watchEvents, type ArtifactEvent } from "./eventFeed";

/** A job can make thousands of artifacts in a second; lists are asked for once in this time. */
export const BATCH_MS = 500;

/** Keeps the queries of `client` up to date until the returned function is called. */
export function watchArtifactEvents(client: QueryClient): () => void {
  let pending = new Map<string, ArtifactEvent>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deliver = (): void => {
    const events = [...pending.values()];
    pending = new Map();
    timer = undefined;
    apply(client, events);
  };
  const stop = watchEvents({
    onEvents: (events) => {
      for (const event of events) if (event.kind === "artifact") pending.set(event.artifactId, event);
      if (pending.size > 0) timer ??= setTimeout(deliver, BATCH_MS);
    },
    onFresh: () => {
      refreshLists(client, []);
    },
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

function apply(client: QueryClient, events: ArtifactEvent[]): void {
  for (const event of events) {
    const key = ["artifact", event.artifactId];
    if (event.artifact === null) void client.invalidateQueries({ queryKey: key, exact: true });
    // Only for records somebody has asked for; a list brings the others.
    else if (client.getQueryData(key) !== undefined) client.setQueryData(key, event.artifact);
  }
  refreshLists(client, [...new Set(events.map((event) => event.jobId))]);
}

export function refreshLists(queryClient: QueryClient, jobIds: string[]): void {
  const keys: string[][] = [["artifacts"], ["history"], ...jobIds.map((id) => ["job", id, "artifacts"])];
  for (const queryKey of keys) void queryClient.invalidateQueries({ queryKey }, { cancelRefetch: false });
}
