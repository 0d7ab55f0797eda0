// Jobs: the model, its converter, and the queries for a list and for one job.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel, type QueryParams } from "./client";
import { oneOf, toDate, toJsonValue, toOptionalDate, type Page } from "./convert";
import type { JsonValue } from "./json";
import { intervalForOne, intervalForPages, intervalWithFeed, SETTLED_INTERVAL_MS } from "./live";
import type { WireJob, WireJobPage } from "./wire";

export const JOB_STATUSES = ["pending", "queued", "active", "retrying", "complete", "failed", "cancelled"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const JOB_TYPES = ["task", "cron", "event"] as const;
export type JobType = (typeof JOB_TYPES)[number];

export interface Job {
  id: string;
  /** The stable key that filters and addresses use; `functionName` is for people. */
  functionKey: string;
  functionName: string;
  type: JobType | "unknown";
  status: JobStatus | "unknown";
  createdAt: Date;
  scheduledAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  priority: number;
  attempts: number;
  maxAttempts: number;
  timeoutMs: number;
  workerId: string | null;
  parentId: string | null;
  rootId: string;
  /** From 0 to 1. */
  progress: number;
  progressMessage: string | null;
  kwargs: JsonValue;
  result: JsonValue;
  checkpoint: JsonValue;
  checkpointAt: Date | null;
  /** What went wrong last, in one line. A job that was retried since keeps it. */
  error: string | null;
  traceback: string | null;
  timedOut: boolean;
  cancelRequested: boolean;
  queueWaitMs: number | null;
  durationMs: number | null;
  tags: string[];
}

export const JOB_AGES = ["15m", "1h", "6h", "24h", "7d"] as const;
export type JobAge = (typeof JOB_AGES)[number];

const MINUTE_MS = 60_000;
export const JOB_AGE_MS: Record<JobAge, number> = {
  "15m": 15 * MINUTE_MS,
  "1h": 60 * MINUTE_MS,
  "6h": 360 * MINUTE_MS,
  "24h": 1_440 * MINUTE_MS,
  "7d": 10_080 * MINUTE_MS,
};

/** What a list is narrowed down to, as the address bar keeps it. Where the REST API has the same, it has the same name. */
export interface JobFilter {
  status?: JobStatus[];
  function?: string;
  worker_id?: string;
  /** The artifact that they have read. */
  reads?: string;
  /** Each of these tags. */
  tag?: string[];
  /** A part of what they hold. */
  text?: string;
  /** Made no longer ago than this. */
  since?: JobAge;
  /** Made in this time, in RFC 3339; `since` goes before them. */
  after?: string;
  before?: string;
}

export function toJob(wire: WireJob): Job {
  return {
    id: wire.id,
    functionKey: wire.function,
    functionName: wire.function_name,
    type: oneOf(JOB_TYPES, wire.job_type, "unknown"),
    status: oneOf(JOB_STATUSES, wire.status, "unknown"),
    createdAt: toDate(wire.created_at),
    scheduledAt: toDate(wire.scheduled_at),
    startedAt: toOptionalDate(wire.started_at),
    completedAt: toOptionalDate(wire.completed_at),
    priority: wire.priority,
    attempts: wire.attempts,
    // Attempts whose worker vanished cost no retry, so there can be more of them.
    maxAttempts: Math.max(wire.max_retries + 1, wire.attempts),
    timeoutMs: wire.timeout * 1_000,
    workerId: wire.worker_id,
    parentId: wire.parent_id,
    rootId: wire.root_id,
    progress: wire.progress,
    progressMessage: wire.progress_message,
    kwargs: toJsonValue(wire.kwargs),
    result: toJsonValue(wire.result),
    checkpoint: toJsonValue(wire.checkpoint),
    checkpointAt: toOptionalDate(wire.checkpoint_at),
    error: wire.error,
    traceback: wire.traceback,
    timedOut: wire.failure_reason === "timeout",
    cancelRequested: wire.cancel_requested,
    queueWaitMs: wire.queue_wait_ms,
    durationMs: wire.duration_ms,
    tags: wire.tags,
  };
}

function toJobPage(wire: WireJobPage): Page<Job> {
  return {
    items: wire.jobs.map(toJob),
    total: wire.total,
    totalIsCapped: wire.total_is_capped,
    nextCursor: wire.has_more ? wire.next_cursor : null,
  };
}

/** A finished job stays as it is, unless somebody queues it again by hand. */
export function isFinished(job: Job): boolean {
  return job.status === "complete" || job.status === "failed" || job.status === "cancelled";
}

export const PAGE_SIZE = 100;

/** The filter as the REST API takes it. */
export function toJobParams({ since, ...same }: JobFilter, now: number): QueryParams {
  if (since === undefined) return { ...same };
  return { ...same, after: new Date(now - JOB_AGE_MS[since]).toISOString(), before: undefined };
}

/** `refetch` is false while the reader is in the middle of the list: then only rows that are there change. */
export function jobsQuery(filter: JobFilter, options: { refetch: boolean } = { refetch: true }) {
  return infiniteQueryOptions({
    queryKey: ["jobs", filter],
    queryFn: ({ pageParam, signal }) =>
      getModel(apiUrl("jobs", { ...toJobParams(filter, Date.now()), limit: PAGE_SIZE, cursor: pageParam ?? undefined }), toJobPage, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page): string | null => page.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => options.refetch && intervalForList(filter, query.state.data?.pages.length ?? 1),
    refetchOnWindowFocus: options.refetch,
  });
}

/** A search for a text looks through many jobs, so it is not repeated all the time. */
function intervalForList(filter: JobFilter, pages: number): number {
  return filter.text === undefined ? intervalWithFeed(intervalForPages(pages)) : SETTLED_INTERVAL_MS;
}

/** The newest jobs of a kind, as many as one looks at, in one answer. */
export function newestJobsQuery(filter: JobFilter, limit: number) {
  return queryOptions({
    queryKey: ["jobs", "newest", filter, limit],
    queryFn: ({ signal }) => getModel(apiUrl("jobs", { ...toJobParams(filter, Date.now()), limit }), toJobPage, signal),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { error } }) => (filter.text === undefined ? intervalWithFeed(intervalForOne({ settled: false, error })) : SETTLED_INTERVAL_MS),
  });
}

export function jobQuery(id: string) {
  return queryOptions({
    queryKey: ["job", id],
    queryFn: ({ signal }) => getModel(apiUrl(`jobs/${encodeURIComponent(id)}`), toJob, signal),
    refetchInterval: ({ state: { data, error } }) => intervalWithFeed(intervalForOne({ settled: data !== undefined && isFinished(data), error })),
  });
}
