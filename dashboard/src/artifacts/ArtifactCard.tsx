// One artifact on its job's page: name, facts, download, and a preview that can be folded away.
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";

import type { Artifact } from "../api/artifacts";
import { TimeAgo } from "../components/TimeAgo";
import { formatBytes } from "../format/numbers";
import { ArtifactPreview } from "./ArtifactPreview";
import { ArtifactState } from "./ArtifactState";
import { DownloadLink } from "./DownloadLink";
import { Tags } from "./Tags";
import { TypeTag } from "./TypeTag";

interface ArtifactCardProps {
  artifact: Artifact;
  openAtFirst: boolean;
}

export function ArtifactCard({ artifact, openAtFirst }: ArtifactCardProps) {
  const [open, setOpen] = useState(openAtFirst);
  const previewId = useId();
  return (
    <article className="card artifact-card" aria-label={artifact.name}>
      <header className="artifact-card-header">
        <button
          type="button"
          className="fold"
          aria-expanded={open}
          aria-controls={previewId}
          aria-label={`Preview of ${artifact.name}`}
          onClick={() => {
            setOpen(!open);
          }}
        />
        <TypeTag artifact={artifact} />
        <Link to="/artifacts" search={{ selected: artifact.id }} className="artifact-card-name">
          {artifact.name}
        </Link>
        <span className="artifact-card-state">
          <ArtifactState artifact={artifact} />
        </span>
        <span className="muted artifact-card-facts">
          {formatBytes(artifact.sizeBytes)} · <TimeAgo date={artifact.createdAt} />
        </span>
        <Tags tags={artifact.tags} />
        <DownloadLink artifact={artifact} small />
      </header>
      {artifact.description !== null && <p className="artifact-card-labels">{artifact.description}</p>}
      <div id={previewId} hidden={!open} className="artifact-card-preview">
        {open && <ArtifactPreview artifact={artifact} />}
      </div>
    </article>
  );
}
