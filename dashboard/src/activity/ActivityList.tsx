// Events as lines, newest first. Only the lines in sight are in the page.
import { useVirtualizer } from "@tanstack/react-virtual";
import { Link } from "@tanstack/react-router";
import { useRef } from "react";

import type { ArtifactEvent, FeedEvent, JobEvent } from "../api/eventFeed";
import { JobLink } from "../components/JobLink";
import { formatBytes, formatPercent } from "../format/numbers";
import { clockTime, exactTime } from "../format/time";

const LINE_HEIGHT = 34;

export function ActivityList({ events }: { events: FeedEvent[] }) {
  const frame = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({ count: events.length, getScrollElement: () => frame.current, estimateSize: () => LINE_HEIGHT, overscan: 15 });
  return (
    <div className="activity card" ref={frame} tabIndex={0} role="group" aria-label="Events, newest first">
      <ol style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const event = events[index];
          return (
            event !== undefined && (
              <li key={index} className="activity-line" style={{ transform: `translateY(${start}px)` }}>
                <time dateTime={event.at.toISOString()} title={exactTime(event.at)}>
                  {clockTime(event.at)}
                </time>
                {event.kind === "job" ? <JobLine event={event} /> : <ArtifactLine event={event} />}
              </li>
            )
          );
        })}
      </ol>
    </div>
  );
}

function JobLine({ event }: { event: JobEvent }) {
  return (
    <>
      <span className="status" data-job-status={event.status}>
        <span className="status-dot" aria-hidden="true" />
        {wordOf(event.type)}
      </span>
      <span className="activity-what">
        <Link to="/jobs/$jobId" params={{ jobId: event.jobId }} title={event.jobId}>
          {event.functionName}
        </Link>
        {event.attempt > 1 && <span className="muted"> attempt {event.attempt}</span>}
        {event.type === "job.progress" && (
          <span className="muted">
            {" "}
            {formatPercent(event.progress * 100)} {event.progressMessage}
          </span>
        )}
        {event.error !== null && (event.status === "failed" || event.status === "retrying") && <span className="activity-error"> {event.error}</span>}
      </span>
    </>
  );
}

function ArtifactLine({ event }: { event: ArtifactEvent }) {
  const name = event.artifact?.name ?? "an artifact";
  return (
    <>
      <span className="status activity-artifact">{wordOf(event.type)}</span>
      <span className="activity-what">
        {event.artifact === null ? name : (
          <Link to="/artifacts" search={{ selected: event.artifactId }}>
            {name}
          </Link>
        )}{" "}
        <span className="muted">
          {event.artifact !== null && `${formatBytes(event.artifact.sizeBytes)} `}of job <JobLink jobId={event.jobId} />
        </span>
      </span>
    </>
  );
}

/** `job.started` is `started`; `artifact.created` is `artifact made`. */
function wordOf(type: string): string {
  const [kind, word = ""] = type.split(".");
  return kind === "job" ? word : `artifact ${word === "created" ? "made" : word}`;
}
