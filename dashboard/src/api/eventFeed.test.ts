// Tests of the feed: one connection, batches, resuming where it broke off, and nothing in a hidden tab.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeWireJobEvent } from "../test/factories";
import { fakeFeed, type FakeStream } from "../test/fakeFeed";
import { readFeed } from "./connection";
import { BATCH_GAP_MS, watchEvents, type FeedEvent } from "./eventFeed";

let streams: FakeStream[];
let batches: FeedEvent[][];
let fresh: number;
let stop: () => void;

function last(): FakeStream {
  const stream = streams.at(-1);
  if (stream === undefined) throw new Error("no stream was opened");
  return stream;
}

const settle = () => vi.advanceTimersByTimeAsync(2 * BATCH_GAP_MS);

beforeEach(async () => {
  vi.useFakeTimers();
  streams = fakeFeed();
  batches = [];
  fresh = 0;
  stop = watchEvents({ onEvents: (events) => batches.push(events), onFresh: () => (fresh += 1) });
  await settle();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe("watchEvents", () => {
  it("opens one connection for all watchers, and closes it with the last", async () => {
    const other = watchEvents({ onEvents: () => undefined });
    await settle();
    expect(streams).toHaveLength(1);
    expect(readFeed()).toBe(true);
    other();
    expect(last().isOpen()).toBe(true);
    stop();
    expect(last().isOpen()).toBe(false);
    expect(readFeed()).toBe(false);
  });

  it("hands a thousand events on together", async () => {
    for (let n = 0; n < 1_000; n += 1) last().send(n + 2, makeWireJobEvent());
    await settle();
    expect(batches.length).toBeLessThanOrEqual(2);
    expect(batches.flat()).toHaveLength(1_000);
  });

  it("resumes where the stream broke off", async () => {
    last().send(41, makeWireJobEvent());
    await settle();
    last().breakOff();
    await settle();
    expect(readFeed()).toBe(false);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(streams).toHaveLength(2);
    expect(last().lastEventId).toBe("41");
    expect(readFeed()).toBe(true);
    expect(fresh).toBe(1);
  });

  it("holds no connection in a hidden tab, and resumes after a short absence only", async () => {
    const hidden = vi.spyOn(document, "hidden", "get");
    const toggle = (value: boolean): void => {
      hidden.mockReturnValue(value);
      document.dispatchEvent(new Event("visibilitychange"));
    };
    toggle(true);
    expect(last().isOpen()).toBe(false);
    toggle(false);
    await settle();
    expect(last().lastEventId).toBe("1");
    toggle(true);
    await vi.advanceTimersByTimeAsync(3_600_000);
    toggle(false);
    await settle();
    expect(last().lastEventId).toBeNull();
    expect(fresh).toBe(2);
  });

  it("passes over what it does not know", async () => {
    last().send(2, { type: "weather.changed" });
    last().send(3, { type: "job.started" });
    last().send(4, makeWireJobEvent({ type: "job.completed" }));
    await settle();
    expect(batches.flat().map(({ type }) => type)).toEqual(["job.completed"]);
  });
});
