// The stream of what happens to artifacts: one connection for the whole page, open while somebody looks, read in batches.
import type { QueryClient } from "@tanstack/react-query";

import { toArtifact } from "./artifacts";
import type { WireArtifactEvent } from "./artifactWire";
import { apiUrl } from "./client";
import { parseJson } from "./json";
import { reportFeed } from "./live";

/** A job can make thousands of artifacts in a second; lists are asked for once in this time. */
export const BATCH_MS = 500;

const EVENT_NAMES = ["artifact.created", "artifact.updated", "artifact.deleted"];

let source: EventSource | null = null;
let watchers = 0;
let client: QueryClient | null = null;
let pending = new Map<string, WireArtifactEvent>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Keeps the queries of `queryClient` up to date until the returned function is called. */
export function watchArtifactEvents(queryClient: QueryClient): () => void {
  client = queryClient;
  watchers += 1;
  if (watchers === 1) {
    document.addEventListener("visibilitychange", openOrClose);
    openOrClose();
  }
  return () => {
    watchers -= 1;
    if (watchers > 0) return;
    document.removeEventListener("visibilitychange", openOrClose);
    close();
  };
}

/** A hidden tab holds no connection: browsers allow few to one server. */
function openOrClose(): void {
  if (document.hidden) {
    close();
    return;
  }
  if (source !== null || typeof EventSource === "undefined") return;
  source = new EventSource(apiUrl("events/stream", { types: "artifact.*" }));
  source.onopen = () => {
    reportFeed(true);
    // What happened before the stream was open is not in it.
    if (client !== null) refreshLists(client, []);
  };
  source.onmessage = receive;
  for (const name of EVENT_NAMES) source.addEventListener(name, receive);
  source.onerror = () => {
    reportFeed(false);
    // A server that refuses the stream is left alone: then lists are asked for at their own pace.
    if (source?.readyState === 2) close();
  };
}

function close(): void {
  source?.close();
  source = null;
  reportFeed(false);
  clearTimeout(timer);
  timer = undefined;
  pending = new Map();
}

function receive(message: MessageEvent<string>): void {
  let event: WireArtifactEvent;
  try {
    event = parseJson(message.data) as WireArtifactEvent;
  } catch {
    return;
  }
  if (!EVENT_NAMES.includes(event.type)) return;
  pending.set(event.artifact_id, event);
  timer ??= setTimeout(deliver, BATCH_MS);
}

function deliver(): void {
  const events = [...pending.values()];
  pending = new Map();
  timer = undefined;
  if (client === null) return;
  for (const event of events) {
    const key = ["artifact", event.artifact_id];
    if (event.artifact === null) void client.invalidateQueries({ queryKey: key, exact: true });
    // Only for records somebody has asked for; a list brings the others.
    else if (client.getQueryData(key) !== undefined) client.setQueryData(key, toArtifact(event.artifact));
  }
  refreshLists(client, [...new Set(events.map((event) => event.job_id))]);
}

export function refreshLists(queryClient: QueryClient, jobIds: string[]): void {
  const keys: string[][] = [["artifacts"], ["history"], ...jobIds.map((id) => ["job", id, "artifacts"])];
  for (const queryKey of keys) void queryClient.invalidateQueries({ queryKey }, { cancelRefetch: false });
}
