// What an artifact looks like from afar, for its tile: the beginning of a text, a corner of a table, what is in an archive.
// It is asked for when the tile comes into sight, and then kept.
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { artifactContentUrl, artifactHeadQuery, type Outline, type Preview } from "../api/artifactContent";
import type { Artifact } from "../api/artifacts";
import { holdsEscapes, PLAIN } from "../format/ansi";
import { useSeen } from "../hooks/useSeen";
import { hasHead, isDrawing, previewKind } from "./artifactTypes";
import { KindIcon } from "./KindIcon";
import { Thumbnail } from "./Thumbnail";
import { colouredLines, Pieces } from "./viewers/TerminalText";

const MOST_ROWS = 7;
const MOST_COLUMNS = 4;
const MOST_ENTRIES = 8;

export function TilePicture({ artifact }: { artifact: Artifact }) {
  if (isDrawing(artifact)) return <Drawing artifact={artifact} />;
  return hasHead(artifact) ? <HeadPicture artifact={artifact} /> : <Thumbnail artifact={artifact} />;
}

/** A picture that is drawn: as an image it can neither run nor fetch anything. */
function Drawing({ artifact }: { artifact: Artifact }) {
  const [broken, setBroken] = useState(false);
  if (broken) return <Thumbnail artifact={artifact} />;
  return (
    <span className="thumbnail tile-drawing" data-preview="image">
      <img
        src={artifactContentUrl(artifact.id)}
        alt=""
        loading="lazy"
        decoding="async"
        onError={() => {
          setBroken(true);
        }}
      />
    </span>
  );
}

function HeadPicture({ artifact }: { artifact: Artifact }) {
  const frame = useRef<HTMLSpanElement>(null);
  const seen = useSeen(frame);
  const { data, isError } = useQuery({ ...artifactHeadQuery(artifact), enabled: seen });
  const kind = previewKind(artifact);
  const picture = data === undefined ? null : pictureOf(data);
  const waits = data === undefined && !isError;
  return (
    <span className="thumbnail tile-picture" data-preview={kind} data-waits={waits} ref={frame} aria-hidden="true">
      {picture ?? (waits ? null : <KindIcon kind={kind} />)}
    </span>
  );
}

/** Null for what has no look of its own. */
function pictureOf(preview: Preview): React.ReactNode {
  switch (preview.kind) {
    case "text":
      return preview.text.trim() === "" ? null : <code className="tile-code">{holdsEscapes(preview.text) ? <Pieces pieces={colouredLines(preview.text.split("\n"), PLAIN).pieces} /> : preview.text}</code>;
    case "json":
      return <code className="tile-code">{preview.text ?? outlined(preview.outline ?? { type: "null" })}</code>;
    case "table":
      return preview.columns.length === 0 ? null : <MiniTable preview={preview} />;
    case "archive":
      return (
        <span className="tile-entries">
          {preview.entries.slice(0, MOST_ENTRIES).map((entry) => (
            <span key={entry.path}>{entry.path}</span>
          ))}
        </span>
      );
    default:
      return null;
  }
}

/** A large document, by what is at its top. */
function outlined(outline: Outline): string {
  if (outline.type === "object") return `{\n${outline.members.map(({ key, value }) => `  "${key}": ${inBrief(value)}`).join(",\n")}`;
  if (outline.type === "array") return `[\n${outline.items.map((item) => `  ${inBrief(item)}`).join(",\n")}`;
  return inBrief(outline);
}

function inBrief(outline: Outline): string {
  if (outline.type === "object") return "{…}";
  if (outline.type === "array") return `[…] ${outline.length}`;
  return outline.type === "null" ? "null" : outline.type === "string" ? JSON.stringify(outline.value) : String(outline.value);
}

function MiniTable({ preview }: { preview: Extract<Preview, { kind: "table" }> }) {
  const columns = preview.columns.slice(0, MOST_COLUMNS);
  return (
    <span className="tile-table" style={{ gridTemplateColumns: `repeat(${columns.length}, minmax(0, 1fr))` }}>
      {columns.map((column, index) => (
        <b key={index}>{column.name}</b>
      ))}
      {preview.rows.slice(0, MOST_ROWS).flatMap((row, y) => columns.map((_, x) => <span key={`${y}-${x}`}>{String(row[x] ?? "")}</span>))}
    </span>
  );
}
