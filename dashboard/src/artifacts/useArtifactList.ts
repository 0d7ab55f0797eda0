// The list of artifacts, live without jumping: at its top it shows what comes, further down rows change in place and new
// artifacts are only counted.
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { mayBelong, type ArtifactPages } from "../api/artifactEvents";
import { artifactsQuery, type ArtifactFilter } from "../api/artifacts";
import { useLiveArtifacts } from "../hooks/useLiveArtifacts";
import { useScrolled } from "../hooks/useScrolled";

/** Further down the list holds still. */
const TOP_PX = 160;
/** A list of more pages is asked for page by page, which takes too long to do all the time. */
const MOST_LIVE_PAGES = 3;
/** More than this are "many". */
export const MOST_COUNTED = 10_000;

export function useArtifactList(filter: ArtifactFilter) {
  const client = useQueryClient();
  const [news, setNews] = useState<ReadonlySet<string>>(new Set());
  const [pageCount, setPageCount] = useState(1);
  const scrolled = useScrolled(TOP_PX);
  const still = scrolled || pageCount > MOST_LIVE_PAGES;
  const options = artifactsQuery(filter, { refetch: !still });
  const artifacts = useInfiniteQuery(options);
  const pages = artifacts.data?.pages.length ?? 1;
  if (pages !== pageCount) setPageCount(pages);
  const narrowing = JSON.stringify(filter);
  const [counted, setCounted] = useState(narrowing);
  // Whatever is in the list by now is not new any more; and another list has news of its own.
  if (news.size > 0 && (!still || counted !== narrowing)) setNews(new Set());
  if (counted !== narrowing) setCounted(narrowing);
  useLiveArtifacts({
    isStill: () => still,
    onEvents: (events) => {
      if (!still || news.size >= MOST_COUNTED) return;
      const more = events.filter((event) => mayBelong(event, filter) && !news.has(event.artifactId));
      if (more.length > 0) setNews(new Set([...news, ...more.map((event) => event.artifactId)]));
    },
  });

  const showNews = (): void => {
    setNews(new Set());
    client.setQueryData<ArtifactPages>(options.queryKey, (data) => data && { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) });
    void client.invalidateQueries({ queryKey: options.queryKey, exact: true });
  };
  return { artifacts, news: news.size, showNews };
}
