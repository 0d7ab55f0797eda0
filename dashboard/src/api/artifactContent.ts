// What an artifact holds: the addresses of its bytes, its text, its preview, and how it differs from another.
import { queryOptions } from "@tanstack/react-query";

import { artifactUrl, type Artifact } from "./artifacts";
import type { WireArtifactDiff, WireColumn, WireDifference, WireOutline, WirePreview } from "./artifactWire";
import { getModel, getText } from "./client";

// These shapes are plain data with words for every case, so the dashboard holds them as they travel.
export type Preview = WirePreview;
export type PreviewOf<Kind extends Preview["kind"]> = Extract<Preview, { kind: Kind }>;
export type Outline = WireOutline;
export type Column = WireColumn;
export type Difference = WireDifference;
export type DifferenceOf<Kind extends Difference["kind"]> = Extract<Difference, { kind: Kind }>;

/** The bytes behind a whole artifact never change, so they are fetched once. */
export function artifactTextQuery(artifact: Artifact) {
  return queryOptions({
    queryKey: ["artifact", artifact.id, "text", contentKey(artifact)],
    queryFn: ({ signal }) => getText(artifactContentUrl(artifact.id), signal),
    staleTime: Infinity,
    retry: 1,
  });
}

export function artifactPreviewQuery(artifact: Artifact) {
  return queryOptions({
    queryKey: ["artifact", artifact.id, "preview", contentKey(artifact)],
    queryFn: ({ signal }) => getModel(`${artifactUrl(artifact.id)}/preview`, (wire: WirePreview): Preview => wire, signal),
    staleTime: Infinity,
    retry: 1,
  });
}

/** As much of the preview as a tile shows. Tiles are many, so it is kept for long, and asked for once. */
export function artifactHeadQuery(artifact: Artifact) {
  return queryOptions({
    queryKey: ["artifact", artifact.id, "head", contentKey(artifact)],
    queryFn: ({ signal }) => getModel(`${artifactUrl(artifact.id)}/preview?lines=14&rows=8&columns=6`, (wire: WirePreview): Preview => wire, signal),
    staleTime: Infinity,
    gcTime: 30 * 60_000,
  });
}

export function differenceQuery(olderId: string, newerId: string) {
  return queryOptions({
    queryKey: ["artifact", newerId, "diff", olderId],
    queryFn: ({ signal }) =>
      getModel(
        `${artifactUrl(olderId)}/diff/${encodeURIComponent(newerId)}`,
        (wire: WireArtifactDiff): Difference => wire.difference,
        signal,
      ),
    staleTime: Infinity,
    retry: 1,
  });
}

/** Changes with the bytes: the digest, or what there is while there is none. */
function contentKey(artifact: Artifact): string {
  return artifact.sha256 ?? `${artifact.status}-${artifact.sizeBytes}`;
}

export function artifactContentUrl(id: string): string {
  return `${artifactUrl(id)}/content`;
}

/** For a sandboxed frame only: the server lets scripts run there, with nobody's rights. */
export function artifactScriptedUrl(id: string): string {
  return `${artifactContentUrl(id)}?scripts=1`;
}

export function artifactDownloadUrl(id: string): string {
  return `${artifactContentUrl(id)}?download=true`;
}

export function artifactThumbnailUrl(id: string): string {
  return `${artifactUrl(id)}/thumbnail`;
}
