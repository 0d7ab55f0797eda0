// How much is kept: the figures about all artifacts together.
import { queryOptions } from "@tanstack/react-query";

import type { WireArtifactStats } from "./artifactWire";
import { apiUrl, getModel } from "./client";
import { SETTLED_INTERVAL_MS } from "./live";

export interface ArtifactStats {
  /** Names; each may have several versions. */
  count: number;
  versions: number;
  /** Of all versions together, as if each had its own bytes. */
  logicalBytes: number;
  /** What is kept for them: the same content is kept once. */
  storedBytes: number;
}

export function artifactStatsQuery() {
  return queryOptions({
    queryKey: ["artifact-stats"],
    queryFn: ({ signal }) => getModel(apiUrl("artifacts/stats"), toArtifactStats, signal),
    refetchInterval: SETTLED_INTERVAL_MS,
  });
}

function toArtifactStats({ artifacts }: WireArtifactStats): ArtifactStats {
  return { count: artifacts.count, versions: artifacts.versions, logicalBytes: artifacts.logical_bytes, storedBytes: artifacts.stored_bytes };
}
