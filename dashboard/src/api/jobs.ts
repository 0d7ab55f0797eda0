// Jobs: the model, its converter, and the queries for a list and for one job.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel } from "./client";
import { oneOf, toDate, toJsonValue, toOptionalDate, type Page } from "./convert";
import type { JsonValue } from "./json";
import { intervalForOne, intervalForPages } from "./live";
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
}

export interface JobFilter {
  status?: JobStatus[];
  function?: string;
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
  };
}

function toJobPage(wire: WireJobPage): Page<Job> {
  return {
    items: wire.jobs.map(toJob),
    total: wire.total,
    totalIsCapped: false,
    nextCursor: wire.has_more ? wire.next_cursor : null,
  };
}

/** A finished job stays as it is, unless somebody queues it again by hand. */
export function isFinished(job: Job): boolean {
  return job.status === "complete" || job.status === "failed" || job.status === "cancelled";
}

const PAGE_SIZE = 50;

export function jobsQuery(filter: JobFilter) {
  return infiniteQueryOptions({
    queryKey: ["jobs", filter],
    queryFn: ({ pageParam, signal }) =>
      getModel(apiUrl("jobs", { ...filter, limit: PAGE_SIZE, cursor: pageParam ?? undefined }), toJobPage, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => intervalForPages(query.state.data?.pages.length ?? 1),
  });
}

export function jobQuery(id: string) {
  return queryOptions({
    queryKey: ["job", id],
    queryFn: ({ signal }) => getModel(apiUrl(`jobs/${encodeURIComponent(id)}`), toJob, signal),
    refetchInterval: ({ state: { data, error } }) => intervalForOne({ settled: data !== undefined && isFinished(data), error }),
  });
}
