// Workers and their running instances: the model, its converter and the list query.
import { queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel } from "./client";
import { toDate, toOptionalDate } from "./convert";
import { intervalWithStream, LIVE_INTERVAL_MS } from "./live";
import type { WireWorker, WireWorkerInstance, WireWorkerList } from "./wire";

/** One process of a worker. */
export interface WorkerInstance {
  id: string;
  alive: boolean;
  startedAt: Date;
  lastSeenAt: Date;
  stoppedAt: Date | null;
  slots: number;
  busySlots: number;
  /** Of its process, at its last sign of life; null when it did not tell. */
  memoryBytes: number | null;
  hostname: string;
  pid: number;
  language: string;
  version: string;
}

export interface Worker {
  name: string;
  active: boolean;
  instanceCount: number;
  /** By key. */
  functions: { key: string; name: string }[];
  instances: WorkerInstance[];
  /** How many jobs its live instances run at once, together, and how many they run now. */
  slots: number;
  busySlots: number;
  lastSeenAt: Date | null;
}

export function toWorker(wire: WireWorker): Worker {
  const heartbeats = wire.instances.map((instance) => toDate(instance.last_heartbeat).getTime());
  return {
    name: wire.name,
    active: wire.active,
    instanceCount: wire.instance_count,
    functions: wire.functions.map((key) => ({ key, name: wire.function_names[key] ?? key })),
    instances: wire.instances.map(toInstance),
    slots: wire.concurrency,
    busySlots: wire.instances.reduce((sum, instance) => sum + (instance.alive ? instance.active_jobs : 0), 0),
    lastSeenAt: heartbeats.length === 0 ? null : new Date(Math.max(...heartbeats)),
  };
}

function toInstance(wire: WireWorkerInstance): WorkerInstance {
  return {
    id: wire.id,
    alive: wire.alive,
    startedAt: toDate(wire.started_at),
    lastSeenAt: toDate(wire.last_heartbeat),
    stoppedAt: toOptionalDate(wire.stopped_at),
    slots: wire.concurrency,
    busySlots: wire.active_jobs,
    memoryBytes: (wire.memory_bytes) ?? null,
    hostname: wire.hostname,
    pid: wire.pid,
    language: wire.language,
    version: wire.version,
  };
}

export const WORKERS_KEY = ["workers"] as const;

/** `streamed` while `workersStreamUrl` brings what is new. */
export function workersQuery(streamed = false) {
  return queryOptions({
    queryKey: WORKERS_KEY,
    queryFn: ({ signal }) => getModel(apiUrl("workers"), toWorkers, signal),
    refetchInterval: () => intervalWithStream(LIVE_INTERVAL_MS, streamed),
  });
}

export function workersStreamUrl(): string {
  return apiUrl("workers/stream");
}

export function toWorkers(wire: WireWorkerList): Worker[] {
  return wire.workers.map(toWorker);
}
