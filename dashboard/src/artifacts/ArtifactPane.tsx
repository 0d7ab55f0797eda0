// The pane beside the artifact list: facts, download, and the preview of the selected artifact.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, type ReactNode } from "react";

import { artifactQuery, type Artifact } from "../api/artifacts";
import { CopyButton } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { JobLink } from "../components/JobLink";
import { TimeAgo } from "../components/TimeAgo";
import { formatBytes, formatCount } from "../format/numbers";
import { ArtifactPreview } from "./ArtifactPreview";
import { DownloadLink } from "./DownloadLink";
import { TypeTag } from "./TypeTag";

interface ArtifactPaneProps {
  artifactId: string;
  /** The list's own copy, so that the pane opens at once. */
  listed: Artifact | undefined;
  onClose: () => void;
}

export function ArtifactPane({ artifactId, listed, onClose }: ArtifactPaneProps) {
  const { data: artifact, error } = useQuery({ ...artifactQuery(artifactId), ...(listed && { placeholderData: listed }) });
  const pane = useRef<HTMLElement>(null);
  useFocusWhenCovering(pane);
  return (
    <aside className="pane" aria-label="Artifact preview" ref={pane} tabIndex={-1}>
      <header className="pane-header">
        <h2>{artifact?.name ?? "Artifact"}</h2>
        <button type="button" className="button button-small" onClick={onClose}>
          Close
        </button>
      </header>
      {error !== null && artifact === undefined ? (
        <ErrorNotice error={error} wanted="this artifact" />
      ) : (
        artifact !== undefined && <PaneBody artifact={artifact} />
      )}
    </aside>
  );
}

function PaneBody({ artifact }: { artifact: Artifact }) {
  return (
    <>
      <dl className="facts pane-facts">
        <Fact name="Type">
          <TypeTag artifact={artifact} /> <span className="muted">{artifact.contentType}</span>
        </Fact>
        <Fact name="Size">
          <span title={`${formatCount(artifact.sizeBytes)} bytes`}>{formatBytes(artifact.sizeBytes)}</span>
        </Fact>
        <Fact name="Created">
          <TimeAgo date={artifact.createdAt} />
          {artifact.attempt > 0 && <span className="muted"> · attempt {artifact.attempt}</span>}
          {artifact.version > 1 && <span className="muted"> · version {artifact.version}</span>}
        </Fact>
        <Fact name="Job">
          <JobLink jobId={artifact.jobId} />
        </Fact>
        <Fact name="SHA-256">
          <span className="digest">
            <code title={artifact.sha256}>{artifact.sha256}</code>
            <CopyButton text={artifact.sha256} label="SHA-256" />
          </span>
        </Fact>
      </dl>
      <div className="pane-actions">
        <DownloadLink artifact={artifact} />
      </div>
      <div className="pane-preview">
        <ArtifactPreview artifact={artifact} />
      </div>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** On a narrow screen the pane covers the list, so the keyboard must follow it. Beside the list, focus stays there. */
function useFocusWhenCovering(pane: React.RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = pane.current;
    if (element === null || getComputedStyle(element).position !== "fixed") return;
    const before = document.activeElement;
    element.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, [pane]);
}
