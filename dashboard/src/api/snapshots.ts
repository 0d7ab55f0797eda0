// Streams of whole states: each message is all there is to know, so a stream that broke off is simply opened again.
import { ApiError, openStream } from "./client";
import { parseJson } from "./json";
import { readMessages } from "./serverSentEvents";

export interface SnapshotListener<Model> {
  onSnapshot: (model: Model) => void;
  /** Whether snapshots arrive by themselves right now. */
  onOpen: (open: boolean) => void;
}

const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;
/** A server that refuses the stream is asked again now and then. */
const REFUSED_RETRY_MS = 30_000;

/** Follows a stream while the page is in sight: browsers allow few connections to one server. Returns what ends it. */
export function watchSnapshots<Model>(url: string, convert: (wire: never) => Model, listener: SnapshotListener<Model>): () => void {
  let connection: AbortController | null = null;
  const close = (): void => {
    connection?.abort();
    connection = null;
    listener.onOpen(false);
  };
  const openOrClose = (): void => {
    if (document.hidden) {
      close();
    } else if (connection === null) {
      connection = new AbortController();
      void follow(url, convert, listener, connection.signal);
    }
  };
  document.addEventListener("visibilitychange", openOrClose);
  openOrClose();
  return () => {
    document.removeEventListener("visibilitychange", openOrClose);
    close();
  };
}

async function follow<Model>(url: string, convert: (wire: never) => Model, listener: SnapshotListener<Model>, signal: AbortSignal): Promise<void> {
  const stopped = (): boolean => signal.aborted;
  let wait = RETRY_MS;
  while (!stopped()) {
    try {
      const stream = await openStream(url, signal);
      await readMessages(stream, ({ event, data }) => {
        if (stopped() || event === "open") return;
        wait = RETRY_MS;
        listener.onSnapshot(convert(parseJson(data) as never));
        listener.onOpen(true);
      });
    } catch (error) {
      if (stopped()) return;
      if (error instanceof ApiError && error.failure === "refused") wait = REFUSED_RETRY_MS;
    }
    if (stopped()) return;
    listener.onOpen(false);
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
