// Functions that workers registered: the model, its converter and the list query.
import { queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel } from "./client";
import { oneOf, toOptionalDate } from "./convert";
import { JOB_STATUSES, JOB_TYPES, type JobStatus, type JobType } from "./jobs";
import { LIVE_INTERVAL_MS } from "./live";
import type { WireFunction, WireFunctionList } from "./wire";

export interface RegisteredFunction {
  key: string;
  name: string;
  type: JobType | "unknown";
  active: boolean;
  paused: boolean;
  /** When it runs by itself: a cron schedule or an event pattern. */
  trigger: string | null;
  runs24h: number;
  /** From 0 to 100; null before the first run. */
  successPercent: number | null;
  averageDurationMs: number | null;
  backlog: number;
  lastRunAt: Date | null;
  lastRunStatus: JobStatus | "unknown" | null;
}

export function toRegisteredFunction(wire: WireFunction): RegisteredFunction {
  return {
    key: wire.key,
    name: wire.name,
    type: oneOf(JOB_TYPES, wire.type, "unknown"),
    active: wire.active,
    paused: wire.paused,
    trigger: wire.schedule ?? wire.pattern,
    runs24h: wire.runs_24h,
    successPercent: wire.success_rate,
    averageDurationMs: wire.avg_duration_ms,
    backlog: wire.queue_backlog,
    lastRunAt: toOptionalDate(wire.last_run_at),
    lastRunStatus: wire.last_run_status === null ? null : oneOf(JOB_STATUSES, wire.last_run_status, "unknown"),
  };
}

export function functionsQuery() {
  return queryOptions({
    queryKey: ["functions"],
    queryFn: ({ signal }) =>
      getModel(apiUrl("functions"), (wire: WireFunctionList) => wire.functions.map(toRegisteredFunction), signal),
    refetchInterval: LIVE_INTERVAL_MS,
  });
}
