// The newest events of the feed, kept in the page while it is open, above how the newest jobs had ended before. Holding still
// keeps what is shown while more comes in.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo, useState } from "react";

import { watchEvents, type FeedEvent } from "../api/eventFeed";
import { newestJobsQuery } from "../api/jobs";
import { eventsBefore } from "./eventsBefore";

/** Jobs that tell what was before the page was opened. */
const JOBS_BEFORE = 100;
/** The oldest events go after so many. */
export const MOST_EVENTS = 5_000;

export interface Activity {
  /** Newest first. */
  events: FeedEvent[];
  /** How many came in while the list was held still. */
  held: number;
  total: number;
}

export function useActivity(held: boolean): Activity {
  const [events, setEvents] = useState<FeedEvent[]>([]);
  const [shown, setShown] = useState<{ events: FeedEvent[]; total: number } | null>(null);
  const [total, setTotal] = useState(0);
  const [opened] = useState(() => new Date());
  const before = useQuery({ ...newestJobsQuery({}, JOBS_BEFORE), refetchInterval: false, staleTime: Infinity, gcTime: 0 });
  const receive = useEffectEvent((batch: FeedEvent[]) => {
    setTotal((before) => before + batch.length);
    setEvents((before) => [...batch.toReversed(), ...before].slice(0, MOST_EVENTS));
  });
  useEffect(
    () =>
      watchEvents({
        onEvents: (batch) => {
          receive(batch);
        },
      }),
    [],
  );
  if (held && shown === null) setShown({ events, total });
  if (!held && shown !== null) setShown(null);
  const past = useMemo(() => eventsBefore(before.data?.items ?? [], opened), [before.data, opened]);
  const live = shown?.events ?? events;
  return { events: [...live, ...past].slice(0, MOST_EVENTS), held: shown === null ? 0 : total - shown.total, total };
}
