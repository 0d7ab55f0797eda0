// Changes to jobs: cancel, retry, submit, and files that people add. Each brings the job and the lists up to date.
import { mutationOptions, type QueryClient } from "@tanstack/react-query";

import { toArtifact, type Artifact } from "./artifacts";
import { refreshLists } from "./artifactEvents";
import { apiUrl, sendFile, sendModel } from "./client";
import type { JsonValue } from "./json";
import { jobUrl } from "./jobHistory";
import type { WireJobCancelled, WireJobRetried, WireJobSubmitted, WireNewJob } from "./wire";

export interface Submission {
  functionKey: string;
  kwargs: Record<string, JsonValue>;
  delaySeconds?: number;
  priority?: number;
  tags?: string[];
}

/** Resolves to the status that the job has now. */
export function cancelJob(id: string): Promise<string> {
  return sendModel("POST", `${jobUrl(id)}/cancel`, null, ({ status }: WireJobCancelled) => status);
}

export function retryJob(id: string): Promise<string> {
  return sendModel("POST", `${jobUrl(id)}/retry`, null, ({ status }: WireJobRetried) => status);
}

export function cancelMutation(client: QueryClient, id: string) {
  return mutationOptions({ mutationFn: () => cancelJob(id), onSettled: () => refreshJobs(client, id) });
}

export function retryMutation(client: QueryClient, id: string) {
  return mutationOptions({ mutationFn: () => retryJob(id), onSettled: () => refreshJobs(client, id) });
}

/** Resolves to the id of the job. */
export function submitMutation(client: QueryClient) {
  return mutationOptions({
    mutationFn: ({ functionKey, kwargs, delaySeconds, priority, tags }: Submission) => {
      const body: WireNewJob = {
        function: functionKey,
        kwargs,
        ...(delaySeconds !== undefined && { delay: delaySeconds }),
        ...(priority !== undefined && { priority }),
        ...(tags !== undefined && tags.length > 0 && { tags }),
      };
      return sendModel("POST", apiUrl("jobs"), body, (wire: WireJobSubmitted) => wire.job_id);
    },
    onSuccess: (id: string) => refreshJobs(client, id),
  });
}

/** Adds a file to a job, as an artifact under its own name. */
export function uploadMutation(client: QueryClient, jobId: string) {
  return mutationOptions({
    mutationFn: (file: File): Promise<Artifact> => {
      // Without `type` the server takes it from the name and the first bytes.
      const search = new URLSearchParams({ name: file.name });
      // The browser's guess of the type must not say more than the server knows.
      return sendFile(`${jobUrl(jobId)}/artifacts?${search.toString()}`, new Blob([file]), toArtifact);
    },
    onSettled: () => {
      refreshLists(client, [jobId]);
    },
  });
}

export interface BulkOutcome {
  done: number;
  /** The reasons of those that were refused, each with how many there were. */
  refused: Map<string, number>;
}

const AT_ONCE = 6;

/** Does the same to many jobs, a few at a time. What one of them refuses does not stop the others. */
export async function forEachJob(ids: string[], change: (id: string) => Promise<string>, onStep: (done: number) => void): Promise<BulkOutcome> {
  const outcome: BulkOutcome = { done: 0, refused: new Map() };
  const rest = [...ids];
  let ended = 0;
  const lane = async (): Promise<void> => {
    for (let id = rest.shift(); id !== undefined; id = rest.shift()) {
      try {
        await change(id);
        outcome.done += 1;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        outcome.refused.set(reason, (outcome.refused.get(reason) ?? 0) + 1);
      }
      ended += 1;
      onStep(ended);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return outcome;
}

function refreshJobs(client: QueryClient, id: string): Promise<unknown> {
  return Promise.all([
    client.invalidateQueries({ queryKey: ["job", id] }),
    client.invalidateQueries({ queryKey: ["jobs"] }),
    client.invalidateQueries({ queryKey: ["overview"] }),
  ]);
}
