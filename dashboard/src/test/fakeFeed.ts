// A server whose only call is the stream of events, written to by the test.
import { vi } from "vitest";

export interface FakeStream {
  /** The id that the client resumes from. */
  lastEventId: string | null;
  send: (id: number, event: object) => void;
  breakOff: () => void;
  isOpen: () => boolean;
}

/** Every stream that was asked for, the newest last. `status` other than 200 refuses. */
export function fakeFeed(answer: { status: number } = { status: 200 }): FakeStream[] {
  const streams: FakeStream[] = [];
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    if (answer.status !== 200) return Promise.resolve(new Response('{"detail":"no"}', { status: answer.status }));
    let open = true;
    let writer: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (writer = controller) });
    const write = (text: string): void => {
      writer.enqueue(new TextEncoder().encode(text));
    };
    const stop = (): void => {
      if (open) writer.error(new TypeError("network error"));
      open = false;
    };
    init.signal?.addEventListener("abort", stop);
    write("event: open\nid: 1\ndata: connected\n\n");
    streams.push({
      lastEventId: new Headers(init.headers).get("last-event-id"),
      send: (id, event) => {
        write(`id: ${id}\ndata: ${JSON.stringify(event)}\n\n`);
      },
      breakOff: stop,
      isOpen: () => open,
    });
    return Promise.resolve({ ok: true, status: 200, body } as Response);
  });
  return streams;
}
