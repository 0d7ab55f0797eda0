// Whether the server answers, and whether it wants a key first: small stores, written by the client and read by the frame.

export type Connection = "unknown" | "reachable" | "unreachable";

interface Store<Value> {
  report: (next: Value) => void;
  read: () => Value;
  subscribe: (listener: () => void) => () => void;
}

function store<Value>(first: Value): Store<Value> {
  let current = first;
  const listeners = new Set<() => void>();
  return {
    report: (next) => {
      if (next === current) return;
      current = next;
      for (const listener of listeners) listener();
    },
    read: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const connection = store<Connection>("unknown");
export const reportConnection: (next: Exclude<Connection, "unknown">) => void = connection.report;
export const readConnection = connection.read;
export const subscribeToConnection = connection.subscribe;

const keyNeeded = store(false);
export const reportKeyNeeded = keyNeeded.report;
export const readKeyNeeded = keyNeeded.read;
export const subscribeToKeyNeeded = keyNeeded.subscribe;

/** Whether changes arrive by themselves right now; else the pages ask again and again. */
const feed = store(false);
export const reportFeed = feed.report;
export const readFeed = feed.read;
export const subscribeToFeed = feed.subscribe;
