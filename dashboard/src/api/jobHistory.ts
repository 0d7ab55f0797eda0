// What a job's record alone does not tell: its attempts, its log, its tree, and the artifacts it read.
import { queryOptions } from "@tanstack/react-query";

import { toRun, type Run } from "./artifactLineage";
import { toArtifact, type Artifact } from "./artifacts";
import { apiUrl, getModel } from "./client";
import { toDate, toJsonValue, toOptionalDate } from "./convert";
import type { JsonValue } from "./json";
import { toJob, type Job } from "./jobs";
import { intervalForOne, intervalWithFeed } from "./live";
import type { WireAttemptList, WireJobLineage, WireJobPage, WireLogPage } from "./wire";

export interface Attempt {
  number: number;
  /** `active`, `complete`, `failed`, `timeout`, `cancelled` or `lost`. */
  outcome: string;
  startedAt: Date | null;
  endedAt: Date | null;
  durationMs: number | null;
  error: string | null;
  traceback: string | null;
  workerId: string | null;
}

export interface LogLine {
  sequence: number;
  at: Date;
  attempt: number;
  level: string;
  message: string;
  extra: JsonValue;
}

export interface LogPage {
  lines: LogLine[];
  nextAfter: number;
  hasMore: boolean;
}

export interface JobLineage {
  reads: Artifact[];
  readsTotal: number;
}

export function jobUrl(id: string): string {
  return apiUrl(`jobs/${encodeURIComponent(id)}`);
}

export function attemptsQuery(id: string, options: { settled: boolean }) {
  return queryOptions({
    queryKey: ["job", id, "attempts"],
    queryFn: ({ signal }) => getModel(`${jobUrl(id)}/attempts`, toAttempts, signal),
    refetchInterval: ({ state: { error } }) => intervalWithFeed(intervalForOne({ ...options, error })),
  });
}

/** The whole tree that the job belongs to, oldest first. */
export function jobTreeQuery(id: string) {
  return queryOptions({
    queryKey: ["job", id, "tree"],
    queryFn: ({ signal }) =>
      getModel(`${jobUrl(id)}/timeline`, (wire: WireJobPage) => ({ jobs: wire.jobs.map(toJob), total: wire.total }), signal),
    refetchInterval: ({ state: { error } }) => intervalWithFeed(intervalForOne({ settled: false, error })),
  });
}

export function jobLineageQuery(id: string, options: { settled: boolean }) {
  return queryOptions({
    queryKey: ["job", id, "lineage"],
    queryFn: ({ signal }) => getModel(`${jobUrl(id)}/lineage`, toJobLineage, signal),
    refetchInterval: ({ state: { error } }) => intervalWithFeed(intervalForOne({ ...options, error })),
  });
}

/** The jobs that have read an artifact. */
export function readersQuery(artifactId: string) {
  return queryOptions({
    queryKey: ["artifact", artifactId, "readers"],
    queryFn: ({ signal }) =>
      getModel(
        apiUrl("jobs", { reads: artifactId, limit: 20 }),
        (wire: WireJobPage): { runs: Run[]; total: number } => ({ runs: wire.jobs.map(toRun), total: wire.total }),
        signal,
      ),
    staleTime: 10_000,
  });
}

const LOG_PAGE_SIZE = 1_000;

export function getLogPage(id: string, after: number, signal: AbortSignal): Promise<LogPage> {
  const search = new URLSearchParams({ after: String(after), limit: String(LOG_PAGE_SIZE) });
  return getModel(`${jobUrl(id)}/logs?${search.toString()}`, toLogPage, signal);
}

function toAttempts(wire: WireAttemptList): Attempt[] {
  return wire.attempts.map((one) => ({
    number: one.number,
    outcome: one.outcome,
    startedAt: toOptionalDate(one.started_at),
    endedAt: toOptionalDate(one.ended_at),
    durationMs: one.duration_ms,
    error: one.error,
    traceback: one.traceback,
    workerId: one.worker_id,
  }));
}

function toLogPage(wire: WireLogPage): LogPage {
  return {
    lines: wire.logs.map((line) => ({
      sequence: line.sequence,
      at: toDate(line.at),
      attempt: line.attempt,
      level: line.level.toLowerCase(),
      message: line.message,
      extra: toJsonValue(line.extra),
    })),
    nextAfter: wire.next_after,
    hasMore: wire.has_more,
  };
}

function toJobLineage(wire: WireJobLineage): JobLineage {
  return { reads: wire.reads.map(toArtifact), readsTotal: wire.reads_total };
}

/**
 * Jobs in the order of their nesting, each with its depth: those at the top in the order given, children by their age.
 * Whose parent is not among them stands at the top.
 */
export function nested(jobs: Job[]): { job: Job; depth: number; children: number }[] {
  const ids = new Set(jobs.map((job) => job.id));
  const children = new Map<string | null, Job[]>();
  for (const job of jobs) {
    const parent = job.parentId !== null && job.parentId !== job.id && ids.has(job.parentId) ? job.parentId : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [job]);
    else siblings.push(job);
  }
  const rows: { job: Job; depth: number; children: number }[] = [];
  const stack = (children.get(null) ?? []).map((job) => ({ job, depth: 0 })).reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { job, depth } = next;
    const below = (children.get(job.id) ?? []).toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    rows.push({ job, depth, children: below.length });
    for (const child of below.toReversed()) stack.push({ job: child, depth: depth + 1 });
  }
  return rows;
}
