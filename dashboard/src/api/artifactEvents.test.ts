// Tests of the stream of artifact events: one connection, batches, and nothing in a hidden tab.
import type { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeWireArtifact } from "../test/factories";
import { BATCH_MS, watchArtifactEvents } from "./artifactEvents";
import { createQueryClient, intervalWithFeed, SETTLED_INTERVAL_MS } from "./live";

class FakeSource extends EventTarget {
  static all: FakeSource[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((message: MessageEvent<string>) => void) | null = null;
  onerror: (() => void) | null = null;

  readonly url: string;

  constructor(url: string) {
    super();
    this.url = url;
    FakeSource.all.push(this);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  send(event: object): void {
    this.onmessage?.(new MessageEvent("message", { data: JSON.stringify(event) }));
  }

  close(): void {
    this.readyState = 2;
  }
}

let client: QueryClient;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  FakeSource.all = [];
  vi.stubGlobal("EventSource", FakeSource);
  client = createQueryClient();
  stop = watchArtifactEvents(client);
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

function source(): FakeSource {
  const one = FakeSource.all.at(-1);
  if (one === undefined) throw new Error("no connection was opened");
  return one;
}

/** The keys of the queries that are asked again from now on, as they come. */
function watchRefreshes(): string[] {
  const keys: string[] = [];
  vi.spyOn(client, "invalidateQueries").mockImplementation((filters) => {
    keys.push((filters?.queryKey as string[]).join("/"));
    return Promise.resolve();
  });
  return keys;
}

describe("watchArtifactEvents", () => {
  it("opens one connection for all watchers", () => {
    const other = watchArtifactEvents(client);
    expect(FakeSource.all.map(({ url }) => url)).toEqual(["/api/v1/events/stream?types=artifact.*"]);
    other();
    expect(source().readyState).toBe(0);
    stop();
    expect(source().readyState).toBe(2);
    stop = watchArtifactEvents(client);
  });

  it("refreshes lists once for many events", () => {
    source().open();
    const refreshed = watchRefreshes();
    for (let made = 0; made < 1_000; made += 1) {
      const artifact = makeWireArtifact({ job_id: `job-${made % 2}` });
      source().send({ type: "artifact.created", at: "", job_id: artifact.job_id, artifact_id: artifact.id, artifact });
    }
    expect(refreshed).toEqual([]);
    vi.advanceTimersByTime(BATCH_MS);
    expect(refreshed).toEqual(["artifacts", "history", "job/job-0/artifacts", "job/job-1/artifacts"]);
  });

  it("brings the open record up to date, and asks again for one that is gone", () => {
    const artifact = makeWireArtifact({ size_bytes: 1 });
    client.setQueryData(["artifact", artifact.id], "old");
    source().open();
    const refreshed = watchRefreshes();
    const event = { at: "", job_id: "j", artifact_id: artifact.id };
    source().send({ ...event, type: "artifact.updated", artifact: { ...artifact, size_bytes: 99 } });
    vi.advanceTimersByTime(BATCH_MS);
    expect(client.getQueryData(["artifact", artifact.id])).toMatchObject({ sizeBytes: 99 });
    source().send({ ...event, type: "artifact.deleted", artifact: null });
    vi.advanceTimersByTime(BATCH_MS);
    expect(refreshed).toContain(`artifact/${artifact.id}`);
  });

  it("passes over events of jobs and what is not JSON", () => {
    source().open();
    const refreshed = watchRefreshes();
    source().send({ type: "job.progress", job_id: "j" });
    source().onmessage?.(new MessageEvent("message", { data: "connected" }));
    vi.advanceTimersByTime(BATCH_MS);
    expect(refreshed).toEqual([]);
  });

  it("lets lists ask seldom only while it is open", () => {
    expect(intervalWithFeed(2_000)).toBe(2_000);
    source().open();
    expect(intervalWithFeed(2_000)).toBe(SETTLED_INTERVAL_MS);
    source().onerror?.();
    expect(intervalWithFeed(2_000)).toBe(2_000);
  });

  it("holds no connection in a hidden tab", () => {
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(source().readyState).toBe(2);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(FakeSource.all).toHaveLength(2);
  });
});
