// Everything as it happens.
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";

import type { FeedEvent } from "../api/eventFeed";
import { ActivityList } from "../activity/ActivityList";
import { MOST_EVENTS, useActivity } from "../activity/useActivity";
import { EmptyState } from "../components/EmptyState";
import { LiveMark } from "../components/LiveMark";
import { PageHeader } from "../components/PageHeader";
import { Segmented } from "../components/Segmented";
import { countOf, formatCount } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { useFeedIsOpen } from "../hooks/useFeed";
import { FunctionSelect } from "../jobs/FunctionSelect";
import type { ActivityKind, ActivitySearch } from "../router/searches";

const route = getRouteApi("/activity");

const KINDS = [
  ["all", "All"],
  ["jobs", "Jobs"],
  ["failures", "Failures"],
  ["artifacts", "Artifacts"],
] as const;

export function ActivityPage() {
  useDocumentTitle("Activity");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [held, setHeld] = useState(false);
  const open = useFeedIsOpen();
  const activity = useActivity(held);
  const events = activity.events.filter((event) => matches(event, search));
  const change = (next: ActivitySearch): void => {
    void navigate({ search: next, replace: true });
  };
  const chooseKind = (chosen: ActivityKind | "all"): void => {
    const { kind: _, ...rest } = search;
    change(chosen === "all" ? rest : { ...rest, kind: chosen });
  };
  const chooseFunction = (key: string): void => {
    const { function: _, ...rest } = search;
    change(key === "" ? rest : { ...rest, function: key });
  };
  return (
    <>
      <PageHeader title="Activity" note={countOf(activity.total, "event")}>
        <LiveMark />
      </PageHeader>
      <div className="filters">
        <Segmented label="Kind" value={search.kind ?? "all"} choices={KINDS} onChange={chooseKind} />
        <FunctionSelect value={search.function ?? ""} onChange={chooseFunction} />
        <button
          type="button"
          className="button"
          aria-pressed={held}
          onClick={() => {
            setHeld(!held);
          }}
        >
          {held ? `Go on${activity.held > 0 ? ` (${formatCount(activity.held)} new)` : ""}` : "Hold still"}
        </button>
      </div>
      {events.length > 0 ? <ActivityList events={events} /> : <Nothing open={open} filtered={activity.events.length > 0} />}
      {activity.events.length === MOST_EVENTS && <p className="code-note">The newest {formatCount(MOST_EVENTS)} events are kept here.</p>}
    </>
  );
}

function matches(event: FeedEvent, { kind, function: key }: ActivitySearch): boolean {
  const functionKey = event.kind === "job" ? event.functionKey : event.artifact?.functionKey;
  if (key !== undefined && functionKey !== key) return false;
  if (kind === undefined) return true;
  if (kind === "artifacts") return event.kind === "artifact";
  return event.kind === "job" && (kind === "jobs" || event.status === "failed" || event.status === "retrying");
}

function Nothing({ open, filtered }: { open: boolean; filtered: boolean }) {
  if (filtered) return <EmptyState title="No event matches" />;
  return (
    <EmptyState title={open ? "Waiting for something to happen" : "The stream of events is away"}>
      <p>{open ? "Every step of every job shows here the moment it happens." : "It is opened again by itself as soon as the server answers."}</p>
    </EmptyState>
  );
}
