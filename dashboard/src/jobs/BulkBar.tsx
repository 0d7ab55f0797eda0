// What can be done with all selected jobs at once, and what came of it.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { cancelJob, forEachJob, retryJob, type BulkOutcome } from "../api/jobChanges";
import { isFinished, type Job } from "../api/jobs";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { countOf } from "../format/numbers";

interface BulkBarProps {
  jobs: Job[];
  onClear: () => void;
}

type Change = "cancel" | "retry";

export function BulkBar({ jobs, onClear }: BulkBarProps) {
  const [asking, setAsking] = useState<Change | null>(null);
  const [progress, setProgress] = useState<{ done: number; of: number } | null>(null);
  const [outcome, setOutcome] = useState<{ change: Change; outcome: BulkOutcome } | null>(null);
  const client = useQueryClient();
  const cancellable = jobs.filter((job) => !isFinished(job));
  const retryable = jobs.filter((job) => job.status === "failed");
  const run = async (change: Change): Promise<void> => {
    const ids = (change === "cancel" ? cancellable : retryable).map((job) => job.id);
    setAsking(null);
    setProgress({ done: 0, of: ids.length });
    const result = await forEachJob(ids, change === "cancel" ? cancelJob : retryJob, (done) => {
      setProgress({ done, of: ids.length });
    });
    setProgress(null);
    setOutcome({ change, outcome: result });
    onClear();
    await client.invalidateQueries({ queryKey: ["jobs"] });
  };
  if (jobs.length === 0 && progress === null && outcome === null) return null;
  return (
    <div className="bulk" role="region" aria-label="Selected jobs">
      {jobs.length > 0 && (
        <>
          <strong>{countOf(jobs.length, "job")} selected</strong>
          <button type="button" className="button button-small" disabled={retryable.length === 0 || progress !== null} onClick={() => { setAsking("retry"); }}>
            Retry {retryable.length > 0 && retryable.length}
          </button>
          <button
            type="button"
            className="button button-small button-danger-quiet"
            disabled={cancellable.length === 0 || progress !== null}
            onClick={() => {
              setAsking("cancel");
            }}
          >
            Cancel {cancellable.length > 0 && cancellable.length}
          </button>
          <button type="button" className="link-button" onClick={onClear}>
            Select none
          </button>
        </>
      )}
      <span role="status">
        {progress !== null && `${progress.done} of ${countOf(progress.of, "job")}…`}
        {progress === null && outcome !== null && jobs.length === 0 && wordsOf(outcome)}
      </span>
      {asking !== null && (
        <ConfirmDialog
          title={asking === "cancel" ? `Cancel ${countOf(cancellable.length, "job")}?` : `Retry ${countOf(retryable.length, "failed job")}?`}
          action={asking === "cancel" ? "Cancel the jobs" : "Retry"}
          leave={asking === "cancel" ? "Let them run" : "Not now"}
          busy={false}
          onConfirm={() => void run(asking)}
          onCancel={() => {
            setAsking(null);
          }}
        >
          <p>
            {asking === "cancel"
              ? "Those that wait never run; the workers of those that run are told to stop them."
              : "Each is queued again under its own id, with a fresh set of retries."}
          </p>
        </ConfirmDialog>
      )}
    </div>
  );
}

function wordsOf({ change, outcome }: { change: Change; outcome: BulkOutcome }): string {
  const done = `${countOf(outcome.done, "job")} ${change === "cancel" ? "cancelled" : "queued again"}.`;
  const refused = [...outcome.refused].map(([reason, count]) => `${count} not: ${reason}`);
  return [done, ...refused].join(" ");
}
