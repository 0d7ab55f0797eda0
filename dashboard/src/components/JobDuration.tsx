// How long a job took, or has been running until now.
import type { Job } from "../api/jobs";
import { formatDuration } from "../format/time";
import { useNow } from "../hooks/useNow";

export function JobDuration({ job }: { job: Job }) {
  const now = useNow();
  if (job.durationMs !== null) return <>{formatDuration(job.durationMs)}</>;
  if (job.status === "active" && job.startedAt !== null) {
    // Whole seconds: a running length that jitters in tenths is noise.
    const running = Math.max(0, Math.floor((now - job.startedAt.getTime()) / 1_000));
    return <>{formatDuration(running * 1_000).replace(".0 s", " s").replace("0 ms", "0 s")}</>;
  }
  return <span className="absent">–</span>;
}
