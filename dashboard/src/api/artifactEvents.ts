// What the feed says about artifacts: it brings the records and lists on the page up to date, in batches.
import type { InfiniteData, Query, QueryClient } from "@tanstack/react-query";

import type { Artifact, ArtifactFilter } from "./artifacts";
import type { Page } from "./convert";
import { watchEvents, type ArtifactEvent } from "./eventFeed";

export type ArtifactPages = InfiniteData<Page<Artifact>, string | null>;

/** A job can make thousands of artifacts in a second; lists are asked for once in this time. */
export const BATCH_MS = 500;

/** Somebody who reads a list. */
export interface ListReader {
  /** True while lists of pages are to stay as they are, but for rows that change or go. */
  isStill: () => boolean;
  onEvents: (events: ArtifactEvent[]) => void;
}

/** Keeps the queries of `client` up to date until the returned function is called. */
export function watchArtifactEvents(client: QueryClient, reader?: ListReader): () => void {
  let pending = new Map<string, ArtifactEvent>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deliver = (): void => {
    const events = [...pending.values()];
    pending = new Map();
    timer = undefined;
    apply(client, events, reader?.isStill() ?? false);
    reader?.onEvents(events);
  };
  const stop = watchEvents({
    onEvents: (events) => {
      for (const event of events) if (event.kind === "artifact") pending.set(event.artifactId, event);
      if (pending.size > 0) timer ??= setTimeout(deliver, BATCH_MS);
    },
    onFresh: () => {
      refreshLists(client, [], reader?.isStill() ?? false);
    },
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

function apply(client: QueryClient, events: ArtifactEvent[], still: boolean): void {
  for (const event of events) {
    const key = ["artifact", event.artifactId];
    if (event.artifact === null) void client.invalidateQueries({ queryKey: key, exact: true });
    // Only for records somebody has asked for; a list brings the others.
    else if (client.getQueryData(key) !== undefined) client.setQueryData(key, event.artifact);
  }
  if (still) {
    const latest = new Map(events.map((event) => [event.artifactId, event]));
    client.setQueriesData<ArtifactPages>({ queryKey: ["artifacts"], predicate: isPaged }, (data) => data && patchPages(data, latest));
  }
  refreshLists(client, [...new Set(events.map((event) => event.jobId))], still);
}

export function refreshLists(queryClient: QueryClient, jobIds: string[], still = false): void {
  const keys: string[][] = [["artifacts"], ["history"], ...jobIds.map((id) => ["job", id, "artifacts"])];
  const predicate = (query: Query): boolean => !(still && isPaged(query));
  for (const queryKey of keys) void queryClient.invalidateQueries({ queryKey, predicate }, { cancelRefetch: false });
}

/** The list of the artifacts' page, which comes page by page under its filter. */
function isPaged({ queryKey }: { queryKey: readonly unknown[] }): boolean {
  return queryKey[0] === "artifacts" && typeof queryKey[1] === "object";
}

/** Pages without a change stay the same objects, so that nothing is drawn in vain. */
export function patchPages(data: ArtifactPages, latest: Map<string, ArtifactEvent>): ArtifactPages {
  const pages = data.pages.map((page) => {
    if (!page.items.some((artifact) => latest.has(artifact.id))) return page;
    const items = page.items.flatMap((artifact) => {
      const event = latest.get(artifact.id);
      return event === undefined ? [artifact] : event.artifact === null ? [] : [event.artifact];
    });
    return { ...page, items };
  });
  return pages.some((page, index) => page !== data.pages[index]) ? { ...data, pages } : data;
}

/** Whether it may belong into a list with this filter that does not have it yet. Of what events do not tell it says no. */
export function mayBelong(event: ArtifactEvent, filter: ArtifactFilter): boolean {
  const { artifact } = event;
  if (event.type !== "artifact.created" || artifact === null) return false;
  if (filter.root_id !== undefined || filter.read_by !== undefined || filter.to !== undefined) return false;
  if (filter.function !== undefined && artifact.functionKey !== filter.function) return false;
  if (filter.type !== undefined && artifact.type !== filter.type) return false;
  if (filter.job_id !== undefined && artifact.jobId !== filter.job_id) return false;
  if (filter.min_size !== undefined && artifact.sizeBytes < filter.min_size) return false;
  if (filter.max_size !== undefined && artifact.sizeBytes > filter.max_size) return false;
  if (filter.tag?.some((tag) => !artifact.tags.includes(tag)) === true) return false;
  return holdsWords(artifact, filter.q ?? "");
}

function holdsWords({ name, description, tags, metadata }: Artifact, q: string): boolean {
  const text = `${name} ${description ?? ""} ${tags.join(" ")} ${JSON.stringify(metadata, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))}`.toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
