// The log of a job, read piece by piece and followed while the job runs.
import { useEffect, useEffectEvent, useState } from "react";

import { ApiError } from "../../api/client";
import { getLogPage, type LogLine } from "../../api/jobHistory";

const FOLLOW_MS = 1_000;
/** The oldest lines go after so many. */
export const MOST_LINES = 100_000;

export interface JobLog {
  lines: LogLine[];
  /** False until the first answer. */
  read: boolean;
  error: Error | null;
  dropped: boolean;
}

/** Every render after more lines gets a new object. A hidden tab asks for nothing. */
export function useJobLog(jobId: string, settled: boolean): JobLog {
  const [log, setLog] = useState<JobLog>({ lines: [], read: false, error: null, dropped: false });
  const isSettled = useEffectEvent(() => settled);
  useEffect(() => {
    const stop = new AbortController();
    let after = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let lastLook = false;
    const read = async (): Promise<void> => {
      try {
        if (document.hidden) return;
        // Lines sent with the very end of the job arrive with it: one look after the end is enough.
        lastLook = isSettled();
        for (let more = true; more; ) {
          const page = await getLogPage(jobId, after, stop.signal);
          after = page.nextAfter;
          more = page.hasMore && page.lines.length > 0;
          setLog((before) => appended(before, page.lines));
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        lastLook = error instanceof ApiError && error.failure === "refused";
        setLog((before) => ({ ...before, error: error instanceof Error ? error : new Error(String(error)) }));
      } finally {
        if (!stop.signal.aborted && !lastLook) timer = setTimeout(() => void read(), FOLLOW_MS);
      }
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [jobId, settled]);
  return log;
}

function appended(log: JobLog, lines: LogLine[]): JobLog {
  const last = log.lines.at(-1)?.sequence ?? -Infinity;
  const news = lines.filter((line) => line.sequence > last);
  if (news.length === 0) return log.read && log.error === null ? log : { ...log, read: true, error: null };
  const all = [...log.lines, ...news];
  return { lines: all.slice(-MOST_LINES), read: true, error: null, dropped: log.dropped || all.length > MOST_LINES };
}
