// What each artifact type is called, and how it may be shown. An unknown type is never an error: the server's preview or a
// download does.
import { isGrowing, type Artifact } from "../api/artifacts";

/** Who shows it: this page from the bytes (image, frame, pdf, audio, video), or from the server's preview (the rest). */
export type PreviewKind = "json" | "text" | "markdown" | "table" | "image" | "frame" | "pdf" | "audio" | "video" | "archive" | "other";

interface TypeFacts {
  label: string;
  preview: PreviewKind;
}

const FACTS: Record<string, TypeFacts> = {
  json: { label: "JSON", preview: "json" },
  text: { label: "Text", preview: "text" },
  "image/png": { label: "PNG", preview: "image" },
  "image/jpeg": { label: "JPEG", preview: "image" },
  "image/webp": { label: "WebP", preview: "image" },
  "image/gif": { label: "GIF", preview: "image" },
  "image/avif": { label: "AVIF", preview: "image" },
  // SVG and HTML can hold scripts: only ever in a sandboxed frame.
  "image/svg": { label: "SVG", preview: "frame" },
  "image/svg+xml": { label: "SVG", preview: "frame" },
  "file/html": { label: "HTML", preview: "frame" },
  "text/html": { label: "HTML", preview: "frame" },
  "application/xhtml+xml": { label: "HTML", preview: "frame" },
  "file/csv": { label: "CSV", preview: "table" },
  "text/csv": { label: "CSV", preview: "table" },
  "text/tab-separated-values": { label: "TSV", preview: "table" },
  "application/vnd.apache.parquet": { label: "Parquet", preview: "table" },
  "application/parquet": { label: "Parquet", preview: "table" },
  "application/x-parquet": { label: "Parquet", preview: "table" },
  "application/vnd.apache.arrow.file": { label: "Arrow", preview: "table" },
  "application/vnd.apache.arrow.stream": { label: "Arrow", preview: "table" },
  "application/x-ndjson": { label: "NDJSON", preview: "table" },
  "application/jsonl": { label: "JSONL", preview: "table" },
  "text/markdown": { label: "Markdown", preview: "markdown" },
  "application/x-ipynb+json": { label: "Notebook", preview: "json" },
  "file/xml": { label: "XML", preview: "text" },
  "file/pdf": { label: "PDF", preview: "pdf" },
  "file/binary": { label: "Binary", preview: "other" },
  "application/zip": { label: "ZIP", preview: "archive" },
  "application/x-tar": { label: "TAR", preview: "archive" },
  "application/gzip": { label: "GZIP", preview: "archive" },
};

export function typeLabel(type: string): string {
  return FACTS[type]?.label ?? shortMediaType(type);
}

/** `application/vnd.acme.model` is `model`, `video/mp4` is `MP4`. */
function shortMediaType(type: string): string {
  const subtype = type.split("/").at(-1)?.split(";")[0]?.trim() ?? "";
  const last = subtype.replace(/^x-/, "").split(".").at(-1) ?? "";
  if (last === "") return "Other";
  return last.length <= 4 ? last.toUpperCase() : last;
}

export function previewKind(artifact: Artifact): PreviewKind {
  const known = FACTS[artifact.type];
  if (known !== undefined) return known.preview;
  const [top, subtype = ""] = artifact.type.split("/");
  if (top === "audio" || top === "video") return top;
  if (subtype.endsWith("+json")) return "json";
  if (top === "text") return "text";
  return "other";
}

/** Pages that may show nothing without their scripts, such as plots. */
export function canRunScripts(artifact: Artifact): boolean {
  return /^(?:file\/html|text\/html|application\/xhtml\+xml)$/.test(artifact.type);
}

/** The server makes thumbnails of these, once they are whole. */
export function hasThumbnail(artifact: Artifact): boolean {
  return /^image\/(?:png|jpeg|webp|gif)$/.test(artifact.type) && artifact.status === "available" && artifact.sizeBytes > 0;
}

/** The server's preview of these begins with something to look at. */
export function hasHead(artifact: Artifact): boolean {
  const kind = previewKind(artifact);
  const readable = kind === "json" || kind === "text" || kind === "markdown" || kind === "table" || kind === "archive";
  return readable && artifact.status === "available" && artifact.sizeBytes > 0;
}

const MAX_DRAWING_BYTES = 300_000;

/** A vector graphic that is small enough to be shown as it is. */
export function isDrawing(artifact: Artifact): boolean {
  return /^image\/svg(?:\+xml)?$/.test(artifact.type) && artifact.status === "available" && artifact.sizeBytes <= MAX_DRAWING_BYTES;
}

const TEXT_NAME = /\.(?:txt|log|out|err|md|jsonl|ndjson|json|csv|tsv|ya?ml|toml|ini|xml|sql)$/i;

/** Whether it can be read line by line while it is being written. */
export function isLiveText(artifact: Artifact): boolean {
  if (!isGrowing(artifact)) return false;
  const kind = previewKind(artifact);
  const media = artifact.contentType;
  return kind === "text" || kind === "markdown" || kind === "json" || media.startsWith("text/") || TEXT_NAME.test(artifact.name);
}

/** A whole text up to this size may be fetched on demand, where the server's preview stops early. */
export const MAX_WHOLE_TEXT_BYTES = 5_000_000;
