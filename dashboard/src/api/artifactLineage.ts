// Where an artifact comes from and where it went, and what its name meant before: lineage and history queries.
import { queryOptions } from "@tanstack/react-query";

import { artifactUrl, toArtifact, toArtifactPage, type Artifact } from "./artifacts";
import type { WireArtifactLineage, WireRun } from "./artifactWire";
import { apiUrl, getModel } from "./client";
import { oneOf, toDate } from "./convert";
import { JOB_STATUSES, type JobStatus } from "./jobs";
import { SETTLED_INTERVAL_MS } from "./live";

/** A job in brief. */
export interface Run {
  id: string;
  functionName: string;
  status: JobStatus | "unknown";
  createdAt: Date;
}

export interface Lineage {
  madeBy: Run;
  /** What the job that made it had read. */
  inputs: Artifact[];
  inputsTotal: number;
  readBy: Run[];
  readByTotal: number;
}

const HISTORY_SIZE = 100;

export function lineageQuery(id: string) {
  return queryOptions({
    queryKey: ["artifact", id, "lineage"],
    queryFn: ({ signal }) => getModel(`${artifactUrl(id)}/lineage`, toLineage, signal),
    refetchInterval: SETTLED_INTERVAL_MS,
  });
}

/** Every version of the name in all jobs of the function, newest first. */
export function historyQuery(artifact: Artifact) {
  const path = `functions/${encodeURIComponent(artifact.functionKey)}/artifacts/${encodeURIComponent(artifact.name)}`;
  return queryOptions({
    queryKey: ["history", artifact.functionKey, artifact.name],
    queryFn: ({ signal }) => getModel(apiUrl(path, { limit: HISTORY_SIZE }), toArtifactPage, signal),
    refetchInterval: SETTLED_INTERVAL_MS,
  });
}

function toLineage(wire: WireArtifactLineage): Lineage {
  return {
    madeBy: toRun(wire.made_by),
    inputs: wire.inputs.map(toArtifact),
    inputsTotal: wire.inputs_total,
    readBy: wire.read_by.map(toRun),
    readByTotal: wire.read_by_total,
  };
}

export function toRun(wire: Pick<WireRun, "id" | "function_name" | "status" | "created_at">): Run {
  return {
    id: wire.id,
    functionName: wire.function_name,
    status: oneOf(JOB_STATUSES, wire.status, "unknown"),
    createdAt: toDate(wire.created_at),
  };
}
