import { afterEach, describe, expect, it, vi } from "vitest";

import { watchSnapshots } from "./snapshots";

interface Stream {
  url: string;
  send: (event: string, data: unknown) => void;
  breakOff: () => void;
  aborted: () => boolean;
}

function fakeStreams(): Stream[] {
  const streams: Stream[] = [];
  vi.stubGlobal("fetch", (url: string, { signal }: RequestInit) => {
    let writer: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (writer = controller) });
    signal?.addEventListener("abort", () => {
      writer.error(new DOMException("aborted", "AbortError"));
    });
    streams.push({
      url,
      send: (event, data) => {
        writer.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
      },
      breakOff: () => {
        writer.error(new TypeError("network error"));
      },
      aborted: () => signal?.aborted === true,
    });
    return Promise.resolve({ ok: true, status: 200, body } as Response);
  });
  return streams;
}

function hide(hidden: boolean): void {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
}

afterEach(() => {
  vi.useRealTimers();
});

describe("watchSnapshots", () => {
  it("hands on every state, and says whether they come by themselves", async () => {
    const streams = fakeStreams();
    const seen: number[] = [];
    const open: boolean[] = [];
    const stop = watchSnapshots("/trends", (wire: { total: number }) => wire.total, { onSnapshot: (model) => seen.push(model), onOpen: (now) => open.push(now) });
    streams[0]?.send("open", "connected");
    streams[0]?.send("jobs.trends.snapshot", { total: 3 });
    await vi.waitFor(() => {
      expect(seen).toEqual([3]);
    });
    expect(open.at(-1)).toBe(true);
    stop();
    expect(open.at(-1)).toBe(false);
    expect(streams[0]?.aborted()).toBe(true);
  });

  it("opens a stream that broke off again", async () => {
    vi.useFakeTimers();
    const streams = fakeStreams();
    const open: boolean[] = [];
    const stop = watchSnapshots("/trends", (wire: { total: number }) => wire.total, { onSnapshot: () => undefined, onOpen: (now) => open.push(now) });
    await vi.advanceTimersByTimeAsync(0);
    streams[0]?.send("jobs.trends.snapshot", { total: 3 });
    await vi.advanceTimersByTimeAsync(0);
    streams[0]?.breakOff();
    await vi.advanceTimersByTimeAsync(10);
    expect(open.at(-1)).toBe(false);
    expect(streams).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(streams).toHaveLength(2);
    stop();
  });

  it("holds no connection while nobody looks", async () => {
    const streams = fakeStreams();
    const stop = watchSnapshots("/trends", () => null, { onSnapshot: () => undefined, onOpen: () => undefined });
    await vi.waitFor(() => {
      expect(streams).toHaveLength(1);
    });
    hide(true);
    expect(streams[0]?.aborted()).toBe(true);
    hide(false);
    await vi.waitFor(() => {
      expect(streams).toHaveLength(2);
    });
    stop();
  });
});
