// The feed of everything that happens on the server: one stream for the whole page, open while somebody looks, taken up
// where it broke off, and handed on in batches, one per animation frame at most.
import { toArtifact, type Artifact } from "./artifacts";
import type { WireArtifactEvent } from "./artifactWire";
import { ApiError, apiUrl, openStream } from "./client";
import { reportFeed } from "./connection";
import { oneOf, toDate } from "./convert";
import { parseJson } from "./json";
import { JOB_STATUSES, type JobStatus } from "./jobs";
import { readMessages, type ServerMessage } from "./serverSentEvents";
import type { WireJobEvent } from "./wire";

export interface JobEvent {
  kind: "job";
  /** Its place in the order of all changes. */
  id: string;
  /** Such as `job.started`. */
  type: string;
  at: Date;
  jobId: string;
  functionKey: string;
  functionName: string;
  parentId: string | null;
  rootId: string;
  status: JobStatus | "unknown";
  attempt: number;
  progress: number;
  progressMessage: string | null;
  error: string | null;
  workerId: string | null;
}

export interface ArtifactEvent {
  kind: "artifact";
  id: string;
  /** `artifact.created`, `artifact.updated` or `artifact.deleted`. */
  type: string;
  at: Date;
  jobId: string;
  artifactId: string;
  /** Null once it is gone. */
  artifact: Artifact | null;
}

export type FeedEvent = JobEvent | ArtifactEvent;

export interface FeedListener {
  onEvents: (events: FeedEvent[]) => void;
  /** The feed was opened afresh: what happened before is not in it. */
  onFresh?: () => void;
}

/** Between two batches there is at least this much time to draw. */
export const BATCH_GAP_MS = 100;

const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;
/** A server that refuses the feed is asked again now and then. */
const REFUSED_RETRY_MS = 30_000;
/** After a longer absence asking for the lists anew is less than all that happened in between. */
const LONGEST_ABSENCE_MS = 60_000;

const listeners = new Set<FeedListener>();
let connection: AbortController | null = null;
let lastId = "";
let closedAt = 0;
let waiting: ServerMessage[] = [];
let deliveredAt = 0;
let scheduled = false;

export function watchEvents(listener: FeedListener): () => void {
  listeners.add(listener);
  if (listeners.size === 1) {
    document.addEventListener("visibilitychange", openOrClose);
    openOrClose();
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    document.removeEventListener("visibilitychange", openOrClose);
    close();
    lastId = "";
  };
}

/** A hidden tab holds no connection: browsers allow few to one server. */
function openOrClose(): void {
  if (document.hidden) {
    close();
    return;
  }
  if (connection !== null) return;
  if (Date.now() - closedAt > LONGEST_ABSENCE_MS) lastId = "";
  connection = new AbortController();
  void follow(connection.signal);
}

function close(): void {
  connection?.abort();
  connection = null;
  closedAt = Date.now();
  reportFeed(false);
}

async function follow(signal: AbortSignal): Promise<void> {
  let wait = RETRY_MS;
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    try {
      const stream = await openStream(apiUrl("events/stream"), signal, lastId === "" ? {} : { "last-event-id": lastId });
      if (lastId === "") for (const listener of listeners) listener.onFresh?.();
      reportFeed(true);
      wait = RETRY_MS;
      await readMessages(stream, receive);
    } catch (error) {
      if (stopped()) return;
      if (error instanceof ApiError && error.failure === "refused") {
        // An id of another database, say.
        wait = lastId === "" ? REFUSED_RETRY_MS : RETRY_MS;
        lastId = "";
      }
    }
    if (stopped()) return;
    reportFeed(false);
    await pause(wait, signal);
    wait = Math.min(LONGEST_RETRY_MS, wait * 2);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

function receive(message: ServerMessage): void {
  lastId = message.id;
  if (message.event === "open") return;
  waiting.push(message);
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => requestAnimationFrame(deliver), Math.max(0, BATCH_GAP_MS - (Date.now() - deliveredAt)));
}

function deliver(): void {
  scheduled = false;
  deliveredAt = Date.now();
  const messages = waiting;
  waiting = [];
  const events = messages.map(toFeedEvent).filter((event) => event !== null);
  if (events.length > 0) for (const listener of [...listeners]) listener.onEvents(events);
}

/** Null for what this dashboard does not know: a newer server may tell of more. */
export function toFeedEvent({ id, data }: ServerMessage): FeedEvent | null {
  try {
    const wire = parseJson(data) as WireJobEvent | WireArtifactEvent;
    if (wire.type.startsWith("job.")) return toJobEvent(id, wire as WireJobEvent);
    return wire.type.startsWith("artifact.") ? toArtifactEvent(id, wire as WireArtifactEvent) : null;
  } catch {
    return null;
  }
}

function toJobEvent(id: string, wire: WireJobEvent): JobEvent {
  return {
    kind: "job",
    id,
    type: wire.type,
    // A job keeps no moment of its progress: it was just now.
    at: wire.type === "job.progress" ? new Date() : toDate(wire.at),
    jobId: wire.job_id,
    functionKey: wire.function,
    functionName: wire.function_name,
    parentId: wire.parent_id,
    rootId: wire.root_id,
    status: oneOf(JOB_STATUSES, wire.status, "unknown"),
    attempt: wire.attempt,
    progress: wire.progress,
    progressMessage: wire.progress_message,
    error: wire.error,
    workerId: wire.worker_id,
  };
}

function toArtifactEvent(id: string, wire: WireArtifactEvent): ArtifactEvent {
  return {
    kind: "artifact",
    id,
    type: wire.type,
    at: toDate(wire.at),
    jobId: wire.job_id,
    artifactId: wire.artifact_id,
    artifact: wire.artifact === null ? null : toArtifact(wire.artifact),
  };
}
