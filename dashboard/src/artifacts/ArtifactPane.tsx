// The pane beside the artifact list: what the selected artifact is and holds, and what can be done with it.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { artifactQuery, type Artifact } from "../api/artifacts";
import { ApiError } from "../api/client";
import { ErrorNotice } from "../components/ErrorNotice";
import { Tabs } from "../components/Tabs";
import { TimeAgo } from "../components/TimeAgo";
import { formatBytes, formatCount } from "../format/numbers";
import type { PaneTab } from "../router/searches";
import { ArtifactDetails } from "./ArtifactDetails";
import { ArtifactPreview } from "./ArtifactPreview";
import { ArtifactState } from "./ArtifactState";
import { ArtifactVersions } from "./ArtifactVersions";
import { LineageBox } from "./LineageBox";
import { PaneActions } from "./PaneActions";
import { Tags } from "./Tags";
import { TypeTag } from "./TypeTag";

const TABS = [
  ["preview", "Preview"],
  ["details", "Details"],
  ["versions", "Versions"],
  ["lineage", "Lineage"],
] as const;

/** What of the pane the address bar keeps. */
export interface PaneView {
  tab: PaneTab;
  /** The id of the artifact to compare with. */
  compare: string | undefined;
}

interface ArtifactPaneProps {
  artifactId: string;
  /** The list's own copy, so that the pane opens at once. */
  listed: Artifact | undefined;
  view: PaneView;
  onView: (view: PaneView) => void;
  onClose: () => void;
}

export function ArtifactPane({ artifactId, listed, view, onView, onClose }: ArtifactPaneProps) {
  const { data: artifact, error } = useQuery({ ...artifactQuery(artifactId), ...(listed && { placeholderData: listed }) });
  const pane = useRef<HTMLElement>(null);
  useFocusWhenCovering(pane);
  const gone = error instanceof ApiError && error.status === 404;
  return (
    <aside className="pane" aria-label="Artifact preview" ref={pane} tabIndex={-1}>
      <header className="pane-header">
        <div className="pane-title">
          <h2>{artifact?.name ?? "Artifact"}</h2>
          {artifact !== undefined && !gone && <ArtifactState artifact={artifact} />}
        </div>
        <button type="button" className="button button-small" onClick={onClose}>
          Close
        </button>
      </header>
      {error !== null && (gone || artifact === undefined) ? (
        <ErrorNotice error={error} wanted="this artifact" />
      ) : (
        artifact !== undefined && <PaneBody artifact={artifact} view={view} onView={onView} onClose={onClose} />
      )}
    </aside>
  );
}

type PaneBodyProps = Pick<ArtifactPaneProps, "view" | "onView" | "onClose"> & { artifact: Artifact };

function PaneBody({ artifact, view, onView, onClose }: PaneBodyProps) {
  return (
    <>
      <div className="pane-summary">
        <p className="pane-line">
          <TypeTag artifact={artifact} />
          <span title={`${formatCount(artifact.sizeBytes)} bytes`}>{formatBytes(artifact.sizeBytes)}</span>
          <span className="muted">
            <TimeAgo date={artifact.createdAt} />
          </span>
          {artifact.version > 1 && <span className="muted">version {artifact.version}</span>}
        </p>
        {artifact.description !== null && <p className="pane-description">{artifact.description}</p>}
        <Tags tags={artifact.tags} />
      </div>
      <PaneActions key={artifact.id} artifact={artifact} onDeleted={onClose} />
      <Tabs
        label="About this artifact"
        value={view.tab}
        tabs={TABS}
        onChange={(tab) => {
          onView({ tab, compare: undefined });
        }}
      >
        {view.tab === "preview" && (
          <div className="pane-preview">
            <ArtifactPreview key={artifact.id} artifact={artifact} />
          </div>
        )}
        {view.tab === "details" && <ArtifactDetails key={artifact.id} artifact={artifact} />}
        {view.tab === "versions" && (
          <ArtifactVersions
            artifact={artifact}
            compare={view.compare}
            onCompare={(compare) => {
              onView({ tab: "versions", compare });
            }}
          />
        )}
        {view.tab === "lineage" && <LineageBox artifact={artifact} />}
      </Tabs>
    </>
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
