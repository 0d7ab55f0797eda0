// Workers and their running instances: the model, its converter and the list query.
import { queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel } from "./client";
import { toDate } from "./convert";
import { LIVE_INTERVAL_MS } from "./live";
import type { WireWorker, WireWorkerList } from "./wire";

export interface Worker {
  name: string;
  active: boolean;
  instanceCount: number;
  functionNames: string[];
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
    functionNames: wire.functions.map((key) => wire.function_names[key] ?? key),
    slots: wire.concurrency,
    busySlots: wire.instances.reduce((sum, instance) => sum + (instance.alive ? instance.active_jobs : 0), 0),
    lastSeenAt: heartbeats.length === 0 ? null : new Date(Math.max(...heartbeats)),
  };
}

export function workersQuery() {
  return queryOptions({
    queryKey: ["workers"],
    queryFn: ({ signal }) =>
      getModel(apiUrl("workers"), (wire: WireWorkerList) => wire.workers.map(toWorker), signal),
    refetchInterval: LIVE_INTERVAL_MS,
  });
}
