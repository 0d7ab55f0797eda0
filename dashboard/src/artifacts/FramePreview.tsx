// HTML and SVG: as a page inside a sandbox, without scripts unless somebody asks for them, or as their source.
import { useState } from "react";

import { artifactContentUrl, artifactScriptedUrl } from "../api/artifactContent";
import type { Artifact } from "../api/artifacts";
import { Segmented } from "../components/Segmented";
import { canRunScripts } from "./artifactTypes";
import { PreviewView } from "./lazyViewers";

type FrameView = "page" | "scripts" | "source";

const PAGE = ["page", "Page"] as const;
const SCRIPTS = ["scripts", "With scripts"] as const;
const SOURCE = ["source", "Source"] as const;

const NOTES: Record<FrameView, string> = {
  page: "Scripts do not run.",
  scripts: "Scripts run with nobody’s rights: they reach neither this dashboard nor the network.",
  source: "",
};

export function FramePreview({ artifact }: { artifact: Artifact }) {
  const [view, setView] = useState<FrameView>("page");
  const choices = canRunScripts(artifact) ? [PAGE, SCRIPTS, SOURCE] : [PAGE, SOURCE];
  return (
    <div className="viewer">
      <div className="viewer-bar">
        <Segmented label="View" value={view} choices={choices} onChange={setView} />
        <span className="muted">{NOTES[view]}</span>
      </div>
      {view === "source" ? <PreviewView artifact={artifact} /> : <SandboxedFrame key={view} artifact={artifact} scripts={view === "scripts"} />}
    </div>
  );
}

/**
 * The empty sandbox attribute takes away scripts, forms, pop-ups, downloads and the origin. Scripts may come back, the origin
 * never: with both, a stored page would be one of ours.
 */
function SandboxedFrame({ artifact, scripts }: { artifact: Artifact; scripts: boolean }) {
  return (
    <iframe
      className="preview-frame"
      sandbox={scripts ? "allow-scripts" : ""}
      src={scripts ? artifactScriptedUrl(artifact.id) : artifactContentUrl(artifact.id)}
      title={`Content of ${artifact.name}`}
      referrerPolicy="no-referrer"
      loading="lazy"
    />
  );
}
