// A job's status: a coloured dot and always its word.
import type { JobStatus } from "../api/jobs";

export function StatusBadge({ status }: { status: JobStatus | "unknown" }) {
  return (
    <span className="status" data-job-status={status}>
      <span className="status-dot" aria-hidden="true" />
      {status}
    </span>
  );
}
