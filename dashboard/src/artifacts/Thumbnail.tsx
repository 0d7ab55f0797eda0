// A small picture of an artifact: the server's thumbnail of an image, or the mark of its kind.
import { useState } from "react";

import { artifactThumbnailUrl } from "../api/artifactContent";
import type { Artifact } from "../api/artifacts";
import { hasThumbnail, previewKind, type PreviewKind } from "./artifactTypes";

const MARKS: Record<PreviewKind, string> = {
  json: "{ }",
  text: "Aa",
  markdown: "M↓",
  table: "▦",
  image: "◪",
  frame: "</>",
  pdf: "PDF",
  audio: "♪",
  video: "▶",
  archive: "▤",
  other: "01",
};

export function Thumbnail({ artifact }: { artifact: Artifact }) {
  const [broken, setBroken] = useState(false);
  const kind = previewKind(artifact);
  if (!hasThumbnail(artifact) || broken) {
    return (
      <span className="thumbnail" data-preview={kind} aria-hidden="true">
        {MARKS[kind]}
      </span>
    );
  }
  return (
    <span className="thumbnail" data-preview="image">
      <img
        src={artifactThumbnailUrl(artifact.id)}
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
