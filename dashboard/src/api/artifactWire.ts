// The REST shapes of artifacts beyond their record: previews, comparisons, lineage and events, as they travel.
// Only the converters of this folder and the test factories may import this file.
import type { components } from "./schema.gen";
import type { WireArtifact } from "./wire";

export type WireRun = components["schemas"]["Run"];

export interface WireColumn {
  name: string;
  type: string;
}

export type WireOutline =
  | { type: "null" }
  | { type: "boolean"; value: boolean }
  | { type: "number"; value: number | bigint }
  | { type: "string"; value: string; length: number }
  | { type: "array"; length: number; complete: boolean; items: WireOutline[] }
  | { type: "object"; length: number; complete: boolean; members: { key: string; value: WireOutline }[] };

export interface WireArchiveEntry {
  path: string;
  type: "file" | "folder" | "link" | "other";
  size: number;
  compressed_size?: number | null;
}

export type WireCell = null | boolean | number | bigint | string;

export type WirePreview =
  | { kind: "text"; text: string; lines: number; truncated: boolean; note?: string | null }
  | { kind: "json"; text?: string | null; outline?: WireOutline | null; truncated: boolean }
  | {
      kind: "table";
      format: string;
      columns: WireColumn[];
      rows: WireCell[][];
      total_columns: number;
      total_rows: number | null;
      truncated: boolean;
      delimiter?: string | null;
      header?: boolean | null;
      note?: string | null;
    }
  | { kind: "image"; format: string; width: number; height: number; note?: string | null }
  | {
      kind: "archive";
      format: string;
      entries: WireArchiveEntry[];
      total_entries: number | null;
      truncated: boolean;
      note?: string | null;
    }
  | { kind: "binary"; hex: string; looks_like?: string | null; truncated: boolean }
  | { kind: "too_large"; reason: string }
  | { kind: "none"; reason: string };

export interface WireHunk {
  old_start: number;
  old_lines: number;
  new_start: number;
  new_lines: number;
  lines: { change: "context" | "added" | "removed"; text: string }[];
}

export type WireValueChange =
  | { path: string; change: "added"; new: string }
  | { path: string; change: "removed"; old: string }
  | { path: string; change: "changed"; old: string; new: string };

export interface WireImageFacts {
  format: string;
  width: number;
  height: number;
}

export type WireDifference =
  | { kind: "same"; size: number }
  | { kind: "text"; added: number; removed: number; hunks: WireHunk[]; truncated: boolean; note?: string | null }
  | { kind: "json"; added: number; removed: number; changed: number; changes: WireValueChange[]; truncated: boolean }
  | {
      kind: "table";
      columns_added: WireColumn[];
      columns_removed: WireColumn[];
      columns_retyped: { name: string; old: string; new: string }[];
      old_rows: number | null;
      new_rows: number | null;
      truncated: boolean;
    }
  | { kind: "image"; old: WireImageFacts; new: WireImageFacts; differing_share: number | null; note?: string | null }
  | { kind: "bytes"; old_size: number; new_size: number; first_difference: number | null; note?: string | null };

/** What never changes about an artifact. */
export type WirePreviewedArtifact = Pick<WireArtifact, "id" | "name" | "type" | "content_type" | "size_bytes" | "sha256" | "status">;

export interface WireArtifactDiff {
  same: boolean;
  a: WirePreviewedArtifact;
  b: WirePreviewedArtifact;
  difference: WireDifference;
}

export interface WireArtifactLineage {
  artifact: WireArtifact;
  made_by: WireRun;
  inputs: WireArtifact[];
  inputs_total: number;
  read_by: WireRun[];
  read_by_total: number;
}

export interface WireArtifactEvent {
  type: "artifact.created" | "artifact.updated" | "artifact.deleted";
  at: string;
  job_id: string;
  artifact_id: string;
  artifact: WireArtifact | null;
}

export interface WireArtifactStats {
  artifacts: { count: number; versions: number; logical_bytes: number; stored_bytes: number; blobs: number; deduplication: number };
}

export interface WireArtifactPatch {
  description?: string | null;
  tags?: string[] | null;
  pinned?: boolean;
  expires_in?: number | null;
}
