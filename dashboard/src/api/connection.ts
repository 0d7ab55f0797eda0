// Whether the server answers at all: one small store, written by the client and read by the banner.

export type Connection = "unknown" | "reachable" | "unreachable";

let current: Connection = "unknown";
const listeners = new Set<() => void>();

export function reportConnection(next: Exclude<Connection, "unknown">): void {
  if (next === current) return;
  current = next;
  for (const listener of listeners) listener();
}

export function readConnection(): Connection {
  return current;
}

export function subscribeToConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
