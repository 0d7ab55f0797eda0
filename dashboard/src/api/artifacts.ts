// Artifacts: the model, its converter, and the queries for lists and for one.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel, type QueryParams } from "./client";
import { oneOf, toDate, toJsonValue, toOptionalDate, type Page } from "./convert";
import type { JsonValue } from "./json";
import { intervalForOne, intervalForPages, intervalWithFeed } from "./live";
import type { WireArtifact, WireArtifactPage } from "./wire";

/** The types with a name of their own. Any other type is a media type, such as `text/markdown`. */
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

export const ARTIFACT_STATUSES = ["writing", "uploading", "available", "incomplete", "damaged"] as const;
export type ArtifactStatus = (typeof ARTIFACT_STATUSES)[number];

export const ARTIFACT_SORTS = ["-created_at", "created_at", "-size", "size", "name", "-name"] as const;
export type ArtifactSort = (typeof ARTIFACT_SORTS)[number];

export interface Artifact {
  id: string;
  jobId: string;
  functionKey: string;
  name: string;
  /** 1 for the first of this name in its job; lists show the newest version of each. */
  version: number;
  /** True when its job has no newer version of it. */
  latest: boolean;
  /** The attempt that made it; 0 when it came over the REST API. */
  attempt: number;
  type: string;
  contentType: string;
  /** So far, while it is being written. */
  sizeBytes: number;
  /** Null until it is whole. */
  sha256: string | null;
  status: ArtifactStatus | "unknown";
  /** What is wrong with it, in words. */
  error: string | null;
  description: string | null;
  tags: string[];
  metadata: JsonValue;
  pinned: boolean;
  expiresAt: Date | null;
  createdAt: Date;
}

export const ARTIFACT_AGES = ["1h", "24h", "7d", "30d"] as const;
export type ArtifactAge = (typeof ARTIFACT_AGES)[number];

const HOUR_MS = 3_600_000;
const AGE_MS: Record<ArtifactAge, number> = { "1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS, "30d": 720 * HOUR_MS };

/** What a list is narrowed down to, as the address bar keeps it. Where the REST API has the same, it has the same name. */
export interface ArtifactFilter {
  /** Words to find in name, description, tags and metadata. */
  q?: string;
  type?: string;
  /** All of them. */
  tag?: string[];
  function?: string;
  job_id?: string;
  root_id?: string;
  /** The job that read them. */
  read_by?: string;
  min_size?: number;
  max_size?: number;
  /** No older than this. */
  within?: ArtifactAge;
  /** The first and the last day, in the reader's zone. */
  from?: string;
  to?: string;
  versions?: "all";
  sort?: ArtifactSort;
}

/** The filter as the REST API takes it. */
export function toListParams({ within, from, to, ...same }: ArtifactFilter, now: number): QueryParams {
  const begin = within === undefined ? from && startOfDay(from, 0) : new Date(now - AGE_MS[within]);
  const end = to && startOfDay(to, 1);
  return { ...same, after: begin ? begin.toISOString() : undefined, before: end ? end.toISOString() : undefined };
}

function startOfDay(day: string, later: number): Date {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later);
}

export function toArtifact(wire: WireArtifact): Artifact {
  return {
    id: wire.id,
    jobId: wire.job_id,
    functionKey: wire.function,
    name: wire.name,
    version: wire.version,
    latest: wire.latest,
    attempt: wire.attempt,
    type: wire.type,
    contentType: wire.content_type,
    sizeBytes: wire.size_bytes,
    sha256: wire.sha256,
    status: oneOf(ARTIFACT_STATUSES, wire.status, "unknown"),
    error: wire.error,
    description: wire.description,
    tags: wire.tags,
    metadata: toJsonValue(wire.metadata),
    pinned: wire.pinned,
    expiresAt: toOptionalDate(wire.expires_at),
    createdAt: toDate(wire.created_at),
  };
}

export function toArtifactPage(wire: WireArtifactPage): Page<Artifact> {
  return {
    items: wire.artifacts.map(toArtifact),
    total: wire.total,
    totalIsCapped: wire.total_is_capped,
    nextCursor: wire.has_more ? wire.next_cursor : null,
  };
}

/** Its bytes are still coming: it is written piece by piece, or uploaded. */
export function isGrowing(artifact: Artifact): boolean {
  return artifact.status === "writing" || artifact.status === "uploading";
}

const PAGE_SIZE = 100;
const JOB_PAGE_SIZE = 200;

export function artifactsQuery(filter: ArtifactFilter, options: { refetch: boolean } = { refetch: true }) {
  return infiniteQueryOptions({
    queryKey: ["artifacts", filter],
    queryFn: ({ pageParam, signal }) =>
      getModel(
        apiUrl("artifacts", { ...toListParams(filter, Date.now()), limit: PAGE_SIZE, cursor: pageParam ?? undefined }),
        toArtifactPage,
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (options.refetch ? intervalWithFeed(intervalForPages(query.state.data?.pages.length ?? 1)) : false),
  });
}

/** The newest artifacts of all jobs, as many as one looks at. */
export function newestArtifactsQuery(limit: number) {
  return queryOptions({
    queryKey: ["artifacts", "newest", limit],
    queryFn: ({ signal }) => getModel(apiUrl("artifacts", { limit }), toArtifactPage, signal),
    refetchInterval: ({ state: { error } }) => intervalWithFeed(intervalForOne({ settled: false, error })),
  });
}

/** A few artifacts that hold the words. */
export function artifactsFoundQuery(words: string) {
  return queryOptions({
    queryKey: ["artifacts", "found", words],
    queryFn: ({ signal }) => getModel(apiUrl("artifacts", { q: words, limit: 6 }), toArtifactPage, signal),
    enabled: words !== "",
    placeholderData: keepPreviousData,
  });
}

/** The newest artifacts of one job: as many as a page of the job can show. */
export function jobArtifactsQuery(jobId: string, options: { settled: boolean }) {
  return queryOptions({
    queryKey: ["job", jobId, "artifacts"],
    queryFn: ({ signal }) =>
      getModel(apiUrl(`jobs/${encodeURIComponent(jobId)}/artifacts`, { limit: JOB_PAGE_SIZE }), toArtifactPage, signal),
    refetchInterval: ({ state: { error } }) => intervalWithFeed(intervalForOne({ settled: options.settled, error })),
  });
}

export function artifactQuery(id: string) {
  return queryOptions({
    queryKey: ["artifact", id],
    queryFn: ({ signal }) => getModel(artifactUrl(id), toArtifact, signal),
    // A whole record changes seldom; one that grows is worth a look.
    refetchInterval: ({ state: { data, error } }) =>
      intervalWithFeed(intervalForOne({ settled: data === undefined || !isGrowing(data), error })),
  });
}

export function artifactUrl(id: string): string {
  return apiUrl(`artifacts/${encodeURIComponent(id)}`);
}

/** All of a job's artifacts in one file. */
export function jobZipUrl(jobId: string): string {
  return apiUrl(`jobs/${encodeURIComponent(jobId)}/artifacts.zip`);
}
