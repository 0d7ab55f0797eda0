// What the newest jobs tell of the time before the page was opened: when each began, and how it ended.
import type { FeedEvent, JobEvent } from "../api/eventFeed";
import { isFinished, type Job } from "../api/jobs";

const ENDS: Partial<Record<Job["status"], string>> = { complete: "job.completed", failed: "job.failed", cancelled: "job.cancelled" };

/** Newest first, none of them later than that moment: of what came then the feed tells. */
export function eventsBefore(jobs: Job[], opened: Date): FeedEvent[] {
  const events = jobs.flatMap((job) => {
    const end = isFinished(job) ? ENDS[job.status] : undefined;
    return [
      ...(job.startedAt === null ? [] : [eventOf(job, "job.started", job.startedAt, "active")]),
      ...(end === undefined || job.completedAt === null ? [] : [eventOf(job, end, job.completedAt, job.status)]),
    ];
  });
  return events.filter(({ at }) => at <= opened).sort((a, b) => b.at.getTime() - a.at.getTime());
}

function eventOf(job: Job, type: string, at: Date, status: JobEvent["status"]): JobEvent {
  return {
    kind: "job",
    id: `${type} ${job.id}`,
    type,
    at,
    jobId: job.id,
    functionKey: job.functionKey,
    functionName: job.functionName,
    parentId: job.parentId,
    rootId: job.rootId,
    status,
    attempt: job.attempts,
    progress: job.progress,
    progressMessage: null,
    error: job.error,
    workerId: job.workerId,
  };
}
