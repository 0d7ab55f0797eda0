// A small picture of an artifact: the server's thumbnail of an image, or the mark of its kind.
import { useState } from "react";

import { artifactThumbnailUrl } from "../api/artifactContent";
import type { Artifact } from "../api/artifacts";
import { hasThumbnail, previewKind } from "./artifactTypes";
import { KindIcon } from "./KindIcon";

export function Thumbnail({ artifact }: { artifact: Artifact }) {
  const [broken, setBroken] = useState(false);
  const kind = previewKind(artifact);
  if (!hasThumbnail(artifact) || broken) {
    return (
      <span className="thumbnail" data-preview={kind} aria-hidden="true">
        <KindIcon kind={kind} />
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
