// The list of jobs, live without jumping: at its top it shows what comes, further down rows change in place and new jobs
// are only counted.
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";

import { watchEvents, type FeedEvent } from "../api/eventFeed";
import { latestByJob, mayBeNew, patchPages, type JobPages } from "../api/jobEvents";
import { jobsQuery, type JobFilter } from "../api/jobs";
import { throttled } from "../hooks/throttled";

const REFRESH_GAP_MS = 1_000;
/** A list of more pages is asked for page by page, which takes too long to do all the time. */
const MOST_LIVE_PAGES = 3;
/** More than this are "many". */
export const MOST_COUNTED = 10_000;

export function useJobList(filter: JobFilter, held: boolean) {
  const client = useQueryClient();
  const [news, setNews] = useState<ReadonlySet<string>>(new Set());
  const [pageCount, setPageCount] = useState(1);
  const still = held || pageCount > MOST_LIVE_PAGES;
  const options = jobsQuery(filter, { refetch: !still });
  const jobs = useInfiniteQuery(options);
  const pages = jobs.data?.pages.length ?? 1;
  if (pages !== pageCount) setPageCount(pages);
  const newestId = jobs.data?.pages[0]?.items[0]?.id;
  const narrowing = JSON.stringify(filter);
  const [counted, setCounted] = useState(narrowing);
  // Whatever is in the list by now is not new any more; and another list has news of its own.
  if (news.size > 0 && (!still || counted !== narrowing)) setNews(new Set());
  if (counted !== narrowing) setCounted(narrowing);

  const refresh = useEffectEvent(() => {
    if (!still && filter.text === undefined) void client.invalidateQueries({ queryKey: options.queryKey, exact: true }, { cancelRefetch: false });
  });
  const receive = useEffectEvent((events: FeedEvent[]) => {
    const latest = latestByJob(events);
    client.setQueryData<JobPages>(options.queryKey, (data) => data && patchPages(data, latest));
    if (!still || news.size >= MOST_COUNTED) return;
    const more = [...latest.values()].filter((event) => mayBeNew(event, newestId, filter) && !news.has(event.jobId));
    if (more.length > 0) setNews(new Set([...news, ...more.map((event) => event.jobId)]));
  });
  useEffect(() => {
    const later = throttled(() => {
      refresh();
    }, REFRESH_GAP_MS);
    const stop = watchEvents({
      onEvents: (events) => {
        receive(events);
        if (events.some((event) => event.kind === "job")) later.call();
      },
      onFresh: later.call,
    });
    return () => {
      stop();
      later.cancel();
    };
  }, []);

  const showNews = (): void => {
    setNews(new Set());
    client.setQueryData<JobPages>(options.queryKey, (data) => data && { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) });
    void client.invalidateQueries({ queryKey: options.queryKey, exact: true });
  };
  return { jobs, news: news.size, showNews };
}
