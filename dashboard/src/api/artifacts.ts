// Artifacts: the model, its converter, the queries for lists and contents, and the addresses of their bytes.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel, getText } from "./client";
import { oneOf, toDate, type Page } from "./convert";
import { intervalForOne, intervalForPages, SETTLED_INTERVAL_MS } from "./live";
import type { WireArtifact, WireArtifactPage } from "./wire";

export const ARTIFACT_TYPES = [
  "json",
  "text",
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/svg",
  "file/pdf",
  "file/csv",
  "file/xml",
  "file/html",
  "file/binary",
] as const;
export type ArtifactType = (typeof ARTIFACT_TYPES)[number];

export interface Artifact {
  id: string;
  jobId: string;
  name: string;
  /** 1 for the first of this name in its job; lists show the newest version of each. */
  version: number;
  /** The attempt that made it; 0 when it came over the REST API. */
  attempt: number;
  type: ArtifactType | "unknown";
  contentType: string;
  sizeBytes: number;
  sha256: string;
  createdAt: Date;
}

export interface ArtifactFilter {
  name?: string;
  type?: ArtifactType;
}

export function toArtifact(wire: WireArtifact): Artifact {
  return {
    id: wire.id,
    jobId: wire.job_id,
    name: wire.name,
    version: wire.version,
    attempt: wire.attempt,
    type: oneOf(ARTIFACT_TYPES, wire.type, "unknown"),
    contentType: wire.content_type,
    sizeBytes: wire.size_bytes,
    sha256: wire.sha256,
    createdAt: toDate(wire.created_at),
  };
}

function toArtifactPage(wire: WireArtifactPage): Page<Artifact> {
  return {
    items: wire.artifacts.map(toArtifact),
    total: wire.total,
    nextCursor: wire.has_more ? wire.next_cursor : null,
  };
}

const PAGE_SIZE = 50;
const JOB_PAGE_SIZE = 200;

export function artifactsQuery(filter: ArtifactFilter) {
  return infiniteQueryOptions({
    queryKey: ["artifacts", filter],
    queryFn: ({ pageParam, signal }) =>
      getModel(apiUrl("artifacts", { ...filter, limit: PAGE_SIZE, cursor: pageParam ?? undefined }), toArtifactPage, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => intervalForPages(query.state.data?.pages.length ?? 1),
  });
}

/** The newest artifacts of one job: as many as a page of the job can show. */
export function jobArtifactsQuery(jobId: string, options: { settled: boolean }) {
  return queryOptions({
    queryKey: ["job", jobId, "artifacts"],
    queryFn: ({ signal }) =>
      getModel(apiUrl(`jobs/${encodeURIComponent(jobId)}/artifacts`, { limit: JOB_PAGE_SIZE }), toArtifactPage, signal),
    refetchInterval: ({ state: { error } }) => intervalForOne({ settled: options.settled, error }),
  });
}

export function artifactQuery(id: string) {
  return queryOptions({
    queryKey: ["artifact", id],
    queryFn: ({ signal }) => getModel(apiUrl(`artifacts/${encodeURIComponent(id)}`), toArtifact, signal),
    // A record only ever disappears: no need to ask often.
    refetchInterval: SETTLED_INTERVAL_MS,
  });
}

/** The bytes behind an artifact id never change, so they are fetched once. */
export function artifactTextQuery(id: string) {
  return queryOptions({
    queryKey: ["artifact", id, "text"],
    queryFn: ({ signal }) => getText(artifactContentUrl(id), signal),
    staleTime: Infinity,
    retry: 1,
  });
}

export function artifactContentUrl(id: string): string {
  return apiUrl(`artifacts/${encodeURIComponent(id)}/content`);
}

export function artifactDownloadUrl(id: string): string {
  return apiUrl(`artifacts/${encodeURIComponent(id)}/content`, { download: "true" });
}
