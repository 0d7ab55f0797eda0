// Functions that workers registered: the model, its converter and the list query.
import { mutationOptions, queryOptions, type QueryClient } from "@tanstack/react-query";

import { apiUrl, getModel, sendModel } from "./client";
import { oneOf, toOptionalDate } from "./convert";
import { JOB_STATUSES, JOB_TYPES, type JobStatus, type JobType } from "./jobs";
import { intervalForOne, LIVE_INTERVAL_MS } from "./live";
import type { WireFunction, WireFunctionDetail, WireFunctionList } from "./wire";

export interface FunctionParameter {
  name: string;
  required: boolean;
}

export interface RegisteredFunction {
  key: string;
  name: string;
  type: JobType | "unknown";
  active: boolean;
  paused: boolean;
  /** When it runs by itself: a cron schedule or an event pattern. */
  trigger: string | null;
  /** Whose clocks a schedule goes by. */
  zone: string;
  missedRuns: string | null;
  runs24h: number;
  /** From 0 to 100; null before the first run. */
  successPercent: number | null;
  averageDurationMs: number | null;
  p95DurationMs: number | null;
  averageWaitMs: number | null;
  p95WaitMs: number | null;
  nextRunAt: Date | null;
  timeoutMs: number;
  maxRetries: number;
  retryDelayMs: number;
  retryBackoff: number;
  cacheKey: string | null;
  cacheMs: number | null;
  routingGroup: string | null;
  groupMaxConcurrency: number | null;
  concurrencyKey: string | null;
  keyMaxConcurrency: number | null;
  rateLimit: string | null;
  maxConcurrency: number | null;
  /** Null when its worker could not tell. */
  parameters: FunctionParameter[] | null;
  workerIds: string[];
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
    zone: wire.timezone ?? "UTC",
    missedRuns: wire.missed_run_policy,
    runs24h: wire.runs_24h,
    successPercent: wire.success_rate,
    averageDurationMs: wire.avg_duration_ms,
    p95DurationMs: wire.p95_duration_ms,
    averageWaitMs: wire.avg_wait_ms,
    p95WaitMs: wire.p95_wait_ms,
    nextRunAt: toOptionalDate(wire.next_run_at),
    timeoutMs: wire.timeout * 1_000,
    maxRetries: wire.max_retries,
    retryDelayMs: wire.retry_delay * 1_000,
    retryBackoff: wire.retry_backoff,
    cacheKey: wire.cache_key,
    cacheMs: wire.cache_ttl === null ? null : wire.cache_ttl * 1_000,
    routingGroup: wire.routing_group,
    groupMaxConcurrency: wire.group_max_concurrency,
    concurrencyKey: wire.concurrency_key,
    keyMaxConcurrency: wire.key_max_concurrency,
    rateLimit: wire.rate_limit,
    maxConcurrency: wire.max_concurrency,
    parameters: wire.parameters,
    workerIds: wire.workers,
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

export function functionQuery(key: string) {
  return queryOptions({
    queryKey: ["functions", key],
    queryFn: ({ signal }) => getModel(functionUrl(key), (wire: WireFunctionDetail) => toRegisteredFunction(wire), signal),
    refetchInterval: ({ state: { error } }) => intervalForOne({ settled: false, error }),
  });
}

/** Paused functions accept jobs, but none of them is run. */
export function pauseMutation(client: QueryClient, key: string) {
  return mutationOptions({
    mutationFn: (paused: boolean) => sendModel("POST", `${functionUrl(key)}/${paused ? "pause" : "resume"}`, null, () => null),
    onSettled: () => client.invalidateQueries({ queryKey: ["functions"] }),
  });
}

function functionUrl(key: string): string {
  return apiUrl(`functions/${encodeURIComponent(key)}`);
}
