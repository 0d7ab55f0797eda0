// What the feed says about jobs, applied to a list that is on the page: rows change in place, and new jobs are counted.
import type { InfiniteData } from "@tanstack/react-query";

import type { Page } from "./convert";
import type { FeedEvent, JobEvent } from "./eventFeed";
import { isFinished, type Job, type JobFilter } from "./jobs";

export type JobPages = InfiniteData<Page<Job>, string | null>;

/** The newest event of each job. */
export function latestByJob(events: FeedEvent[]): Map<string, JobEvent> {
  const latest = new Map<string, JobEvent>();
  for (const event of events) if (event.kind === "job") latest.set(event.jobId, event);
  return latest;
}

/** Pages without a change stay the same objects, so that nothing is drawn in vain. */
export function patchPages(data: JobPages, latest: Map<string, JobEvent>): JobPages {
  const pages = data.pages.map((page) => {
    if (!page.items.some((job) => latest.has(job.id))) return page;
    const items = page.items.map((job) => {
      const event = latest.get(job.id);
      return event === undefined ? job : patchJob(job, event);
    });
    return { ...page, items };
  });
  return pages.some((page, index) => page !== data.pages[index]) ? { ...data, pages } : data;
}

export function patchJob(job: Job, event: JobEvent): Job {
  const next: Job = {
    ...job,
    status: event.status,
    attempts: event.attempt,
    maxAttempts: Math.max(job.maxAttempts, event.attempt),
    progress: event.progress,
    progressMessage: event.progressMessage,
    error: event.error,
    workerId: event.workerId,
  };
  if (event.type === "job.started") return { ...next, startedAt: event.at, completedAt: null, durationMs: null };
  if (!isFinished(next)) return { ...next, completedAt: null, durationMs: null };
  const durationMs = job.startedAt === null ? null : Math.max(0, event.at.getTime() - job.startedAt.getTime());
  return { ...next, completedAt: event.at, durationMs };
}

/** Whether a job that is not in the list may belong there: newer than its newest, and with what the filter asks for. */
export function mayBeNew(event: JobEvent, newestId: string | undefined, filter: JobFilter): boolean {
  // Ids begin with the time they were made at.
  if (newestId !== undefined && event.jobId <= newestId) return false;
  if (filter.function !== undefined && event.functionKey !== filter.function) return false;
  if (filter.worker_id !== undefined && event.workerId !== filter.worker_id) return false;
  // Events tell neither tags nor arguments.
  if (filter.tag !== undefined || filter.text !== undefined) return false;
  if (filter.reads !== undefined || (filter.before !== undefined && filter.since === undefined)) return false;
  return filter.status === undefined || filter.status.some((status) => status === event.status);
}
