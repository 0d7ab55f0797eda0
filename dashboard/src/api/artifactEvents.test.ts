// Tests of what the feed does to artifacts on the page: batches, records and lists.
import type { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeWireArtifact, makeWireJobEvent } from "../test/factories";
import { fakeFeed, type FakeStream } from "../test/fakeFeed";
import { BATCH_MS, watchArtifactEvents } from "./artifactEvents";
import { BATCH_GAP_MS } from "./eventFeed";
import { createQueryClient, intervalWithFeed, SETTLED_INTERVAL_MS } from "./live";

let client: QueryClient;
let streams: FakeStream[];
let stop: () => void;

const settle = () => vi.advanceTimersByTimeAsync(BATCH_MS + 2 * BATCH_GAP_MS);
const AT = "2026-11-24T02:00:00Z";

beforeEach(async () => {
  vi.useFakeTimers();
  streams = fakeFeed();
  client = createQueryClient();
  stop = watchArtifactEvents(client);
  await settle();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

function send(id: number, event: object): void {
  streams.at(-1)?.send(id, event);
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
  it("refreshes lists once for many events", async () => {
    const refreshed = watchRefreshes();
    for (let made = 0; made < 1_000; made += 1) {
      const artifact = makeWireArtifact({ job_id: `job-${made % 2}` });
      send(made + 2, { type: "artifact.created", at: AT, job_id: artifact.job_id, artifact_id: artifact.id, artifact });
    }
    expect(refreshed).toEqual([]);
    await settle();
    expect(refreshed).toEqual(["artifacts", "history", "job/job-0/artifacts", "job/job-1/artifacts"]);
  });

  it("brings the open record up to date, and asks again for one that is gone", async () => {
    const artifact = makeWireArtifact({ size_bytes: 1 });
    client.setQueryData(["artifact", artifact.id], "old");
    const refreshed = watchRefreshes();
    const event = { at: AT, job_id: "j", artifact_id: artifact.id };
    send(2, { ...event, type: "artifact.updated", artifact: { ...artifact, size_bytes: 99 } });
    await settle();
    expect(client.getQueryData(["artifact", artifact.id])).toMatchObject({ sizeBytes: 99 });
    send(3, { ...event, type: "artifact.deleted", artifact: null });
    await settle();
    expect(refreshed).toContain(`artifact/${artifact.id}`);
  });

  it("passes over events of jobs", async () => {
    const refreshed = watchRefreshes();
    send(2, makeWireJobEvent({ type: "job.progress" }));
    await settle();
    expect(refreshed).toEqual([]);
  });

  it("lets lists ask seldom only while the feed is open", async () => {
    expect(intervalWithFeed(2_000)).toBe(SETTLED_INTERVAL_MS);
    streams.at(-1)?.breakOff();
    await vi.advanceTimersByTimeAsync(1);
    expect(intervalWithFeed(2_000)).toBe(2_000);
  });
});
