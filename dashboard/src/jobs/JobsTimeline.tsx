// The jobs of the list as bars over time: the newest few hundred of them.
import { useQuery } from "@tanstack/react-query";

import { JOB_AGE_MS, newestJobsQuery, type JobFilter } from "../api/jobs";
import { ErrorNotice } from "../components/ErrorNotice";
import { TableSkeleton } from "../components/TableSkeleton";
import { countOf, formatCount } from "../format/numbers";
import { useFeedRefresh } from "../hooks/useFeed";
import { useNow } from "../hooks/useNow";
import { JobTimeline } from "./timeline/JobTimeline";

const MOST_JOBS = 500;
const REFRESH_GAP_MS = 2_000;

export function JobsTimeline({ filter, absent }: { filter: JobFilter; absent: React.ReactNode }) {
  const { data, error } = useQuery(newestJobsQuery(filter, MOST_JOBS));
  const now = useNow();
  useFeedRefresh([["jobs", "newest"]], (event) => event.kind === "job" && filter.text === undefined, REFRESH_GAP_MS);
  if (data === undefined) return error === null ? <TableSkeleton /> : <ErrorNotice error={error} wanted="the jobs" />;
  if (data.items.length === 0) return absent;
  const span = filter.since === undefined ? undefined : { from: now - JOB_AGE_MS[filter.since], to: now };
  return (
    <>
      <JobTimeline jobs={data.items} label="Jobs over time" {...(span !== undefined && { span })} />
      {data.total > data.items.length && (
        <p className="code-note">
          These are the newest {formatCount(data.items.length)} of {countOf(data.total, "job")}.
        </p>
      )}
    </>
  );
}
