// The figures of the start page: how jobs, queue, workers and artifacts stand, and how it went hour by hour.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel } from "./client";
import { toDate } from "./convert";
import { toJob, type Job } from "./jobs";
import { intervalForOne, intervalWithFeed, intervalWithStream } from "./live";
import type { WireDashboardStats, WireJobTrends } from "./wire";

export const TREND_HOURS = [6, 24, 72, 168] as const;
export type TrendHours = (typeof TREND_HOURS)[number];

export interface FailingFunction {
  key: string;
  name: string;
  failed: number;
  total: number;
}

export interface Overview {
  runs: { total: number; succeeded: number; failed: number; cancelled: number; successPercent: number | null; windowHours: number };
  queue: { queued: number; pending: number; retrying: number; active: number; oldestQueuedMs: number | null };
  workers: { alive: number; total: number; slots: number; busySlots: number };
  artifacts: { count: number; logicalBytes: number; storedBytes: number };
  recentRuns: Job[];
  recentFailures: Job[];
  failingFunctions: FailingFunction[];
  oldestQueued: Job[];
  stuck: Job[];
}

export interface TrendHour {
  hour: Date;
  complete: number;
  failed: number;
  retrying: number;
  active: number;
}

export function overviewQuery() {
  return queryOptions({
    queryKey: ["overview"],
    queryFn: ({ signal }) => getModel(apiUrl("dashboard/stats"), toOverview, signal),
    refetchInterval: ({ state: { error } }) => intervalWithFeed(intervalForOne({ settled: false, error })),
  });
}

export interface TrendFilter {
  hours: number;
  function?: string;
}

/** `streamed` while `trendsStreamUrl` brings what is new. */
export function trendsQuery(filter: TrendFilter, streamed: boolean) {
  return queryOptions({
    queryKey: trendsKey(filter),
    queryFn: ({ signal }) => getModel(apiUrl("jobs/trends", { ...filter }), toTrends, signal),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { error } }) => intervalWithStream(intervalForOne({ settled: false, error }), streamed),
  });
}

export function trendsKey(filter: TrendFilter) {
  return ["trends", filter] as const;
}

export function trendsStreamUrl(filter: TrendFilter): string {
  return apiUrl("jobs/trends/stream", { ...filter });
}

export function toOverview(wire: WireDashboardStats): Overview {
  const { runs, queue, workers, artifacts } = wire;
  return {
    runs: {
      total: runs.total,
      succeeded: runs.success,
      failed: runs.failed,
      cancelled: runs.cancelled,
      successPercent: runs.success_rate,
      windowHours: runs.window_hours,
    },
    queue: {
      queued: queue.queued,
      pending: queue.pending,
      retrying: queue.retrying,
      active: queue.active,
      oldestQueuedMs: queue.oldest_queued_ms,
    },
    workers: { alive: workers.alive, total: workers.total, slots: workers.slots, busySlots: workers.busy },
    artifacts: { count: artifacts.count, logicalBytes: artifacts.logical_bytes, storedBytes: artifacts.stored_bytes },
    recentRuns: wire.recent_runs.map(toJob),
    recentFailures: wire.recent_failures.map(toJob),
    failingFunctions: wire.top_failing_functions.map((one) => ({
      key: one.function,
      name: one.function_name,
      failed: one.failed,
      total: one.total,
    })),
    oldestQueued: wire.oldest_queued_jobs.map(toJob),
    stuck: wire.stuck_active_jobs.map(toJob),
  };
}

export function toTrends(wire: WireJobTrends): TrendHour[] {
  return wire.hourly.map(({ hour, ...counts }) => ({ hour: toDate(hour), ...counts }));
}
