// An artifact's type as a small label.
import type { Artifact } from "../api/artifacts";
import { previewKind, typeLabel } from "./artifactTypes";

export function TypeTag({ artifact }: { artifact: Artifact }) {
  return (
    <span className="type-tag" data-preview={previewKind(artifact)} title={artifact.contentType}>
      {typeLabel(artifact.type)}
    </span>
  );
}
