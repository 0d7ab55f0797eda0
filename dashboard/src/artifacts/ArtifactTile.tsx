// One artifact as a tile: a large picture of it above its name. The tile opens the artifact's pane.
import { Link } from "@tanstack/react-router";

import type { Artifact } from "../api/artifacts";
import { TimeAgo } from "../components/TimeAgo";
import { formatBytes } from "../format/numbers";
import { ArtifactState } from "./ArtifactState";
import { TilePicture } from "./TilePicture";
import { TypeTag } from "./TypeTag";

interface ArtifactTileProps {
  artifact: Artifact;
  selected?: boolean;
  /** Open its pane on this page, not on that of all artifacts. */
  inPlace?: boolean;
}

export function ArtifactTile({ artifact, selected = false, inPlace = false }: ArtifactTileProps) {
  return (
    <article className="tile row-link" data-selected={selected} aria-label={artifact.name}>
      <TilePicture artifact={artifact} />
      <span className="tile-state">
        <ArtifactState artifact={artifact} />
      </span>
      <div className="tile-text">
        <Link
          to={inPlace ? "." : "/artifacts"}
          search={({ compare: _, ...search }) => ({ ...search, selected: artifact.id })}
          resetScroll={false}
          className="row-target tile-name"
          aria-current={selected ? "true" : undefined}
          title={artifact.name}
        >
          {artifact.name}
        </Link>
        <span className="tile-facts">
          <TypeTag artifact={artifact} />
          <span>{formatBytes(artifact.sizeBytes)}</span>
          <TimeAgo date={artifact.createdAt} />
        </span>
      </div>
    </article>
  );
}
