// What each artifact type is called, and how it may be shown. An unknown type is never an error: it gets a download.
import type { Artifact } from "../api/artifacts";

export type PreviewKind = "json" | "text" | "csv" | "image" | "frame" | "none";

interface TypeFacts {
  label: string;
  preview: PreviewKind;
}

const FACTS: Record<Artifact["type"], TypeFacts> = {
  json: { label: "JSON", preview: "json" },
  text: { label: "Text", preview: "text" },
  "image/png": { label: "PNG", preview: "image" },
  "image/jpeg": { label: "JPEG", preview: "image" },
  "image/webp": { label: "WebP", preview: "image" },
  "image/gif": { label: "GIF", preview: "image" },
  // SVG and HTML can hold scripts: only ever in a sandboxed frame.
  "image/svg": { label: "SVG", preview: "frame" },
  "file/html": { label: "HTML", preview: "frame" },
  "file/csv": { label: "CSV", preview: "csv" },
  "file/xml": { label: "XML", preview: "text" },
  "file/pdf": { label: "PDF", preview: "none" },
  "file/binary": { label: "Binary", preview: "none" },
  unknown: { label: "Other", preview: "none" },
};

/** Larger texts are not fetched for a preview. */
export const MAX_TEXT_PREVIEW_BYTES = 1_048_576;

export function typeLabel(type: Artifact["type"]): string {
  return FACTS[type].label;
}

export function previewKind(type: Artifact["type"]): PreviewKind {
  return FACTS[type].preview;
}

export function isTooLargeToPreview(artifact: Artifact): boolean {
  const kind = previewKind(artifact.type);
  return (kind === "json" || kind === "text" || kind === "csv") && artifact.sizeBytes > MAX_TEXT_PREVIEW_BYTES;
}
