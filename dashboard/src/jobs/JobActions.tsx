// What can be done with a job: cancel, retry, run again with other arguments.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { cancelMutation, retryMutation } from "../api/jobChanges";
import type { JsonValue } from "../api/json";
import { isFinished, type Job } from "../api/jobs";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { FailedAction } from "../components/FailedAction";
import { SubmitDialog } from "./SubmitDialog";

export function JobActions({ job }: { job: Job }) {
  const [open, setOpen] = useState<"cancel" | "again" | null>(null);
  const client = useQueryClient();
  const retry = useMutation(retryMutation(client, job.id));
  const close = (): void => {
    setOpen(null);
  };
  return (
    <>
      <div className="job-actions">
        {job.status === "failed" && (
          <button
            type="button"
            className="button button-primary"
            disabled={retry.isPending}
            title="Queues this job again, with a fresh set of retries"
            onClick={() => {
              retry.mutate();
            }}
          >
            Retry
          </button>
        )}
        {!isFinished(job) && (
          <button
            type="button"
            className="button button-danger-quiet"
            disabled={job.cancelRequested}
            onClick={() => {
              setOpen("cancel");
            }}
          >
            Cancel
          </button>
        )}
        <button
          type="button"
          className="button"
          title="Submits a new job with these arguments, or with others"
          onClick={() => {
            setOpen("again");
          }}
        >
          Run again…
        </button>
      </div>
      <FailedAction error={retry.error} title="It was not queued again" />
      {open === "cancel" && <Cancellation job={job} onClose={close} />}
      {open === "again" && (
        <SubmitDialog
          title={`Run ${job.functionName} again`}
          functionKey={job.functionKey}
          functionName={job.functionName}
          kwargs={isRecord(job.kwargs) ? job.kwargs : {}}
          tags={job.tags}
          onClose={close}
        />
      )}
    </>
  );
}

function Cancellation({ job, onClose }: { job: Job; onClose: () => void }) {
  const client = useQueryClient();
  const { mutate, isPending, error } = useMutation(cancelMutation(client, job.id));
  return (
    <ConfirmDialog
      title={`Cancel this job of ${job.functionName}?`}
      action="Cancel the job"
      leave="Let it run"
      busy={isPending}
      onConfirm={() => {
        mutate(undefined, { onSuccess: onClose });
      }}
      onCancel={onClose}
    >
      <p>{job.status === "active" ? "Its worker is told to stop it. What it has made so far stays." : "It never runs."}</p>
      <FailedAction error={error} title="It was not cancelled" />
    </ConfirmDialog>
  );
}

function isRecord(value: JsonValue): value is Record<string, JsonValue> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
