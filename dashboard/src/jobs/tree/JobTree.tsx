// Everything that was submitted under the same root as this job: as a graph, and over time.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { jobTreeQuery } from "../../api/jobHistory";
import type { Job } from "../../api/jobs";
import { EmptyState } from "../../components/EmptyState";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Segmented } from "../../components/Segmented";
import { TableSkeleton } from "../../components/TableSkeleton";
import { countOf, formatCount } from "../../format/numbers";
import { JobTimeline } from "../timeline/JobTimeline";
import { JobGraph, MOST_BOXES } from "./JobGraph";

const VIEWS = [
  ["graph", "Graph"],
  ["time", "Timeline"],
] as const;

export function JobTree({ job }: { job: Job }) {
  const { data, error } = useQuery(jobTreeQuery(job.id));
  const [view, setView] = useState<"graph" | "time">("graph");
  if (data === undefined) return error === null ? <TableSkeleton /> : <ErrorNotice error={error} wanted="the tree" />;
  if (data.jobs.length <= 1) {
    return (
      <EmptyState title="This job stands alone">
        <p>Jobs that a task submits while it runs become its children, and stand here.</p>
      </EmptyState>
    );
  }
  return (
    <div className="job-tree">
      <div className="viewer-line">
        <Segmented label="Tree as" value={view} choices={VIEWS} onChange={setView} />
        <span className="muted">
          {countOf(data.total, "job")}
          {data.total > data.jobs.length && `, the first ${formatCount(data.jobs.length)} are shown`}
          {view === "graph" && data.jobs.length > MOST_BOXES && `; the graph draws the first ${formatCount(MOST_BOXES)}`}
        </span>
      </div>
      <ErrorNotice error={error} wanted="the tree" showsOlder />
      {view === "graph" ? <JobGraph jobs={data.jobs} current={job.id} /> : <JobTimeline jobs={data.jobs} label="Jobs of the tree over time" current={job.id} />}
    </div>
  );
}
