// What an artifact holds, shown by its type. Artifacts are untrusted: text is text, and markup runs only in a sandboxed frame.
import { Suspense, useState } from "react";

import { artifactContentUrl } from "../api/artifactContent";
import { isGrowing, type Artifact } from "../api/artifacts";
import { Segmented } from "../components/Segmented";
import { formatBytes } from "../format/numbers";
import { stateMeaning } from "./ArtifactState";
import { isLiveText, previewKind } from "./artifactTypes";
import { ImageView, LiveText, PreviewView } from "./lazyViewers";
import { NoPreview } from "./NoPreview";

export function ArtifactPreview({ artifact }: { artifact: Artifact }) {
  // Who began to follow it keeps reading where they are when it is closed.
  const [live] = useState(isLiveText(artifact));
  return (
    <Suspense fallback={<div className="preview-wait" role="status" aria-label="Loading" />}>
      {live ? <LiveText artifact={artifact} /> : <Settled artifact={artifact} />}
    </Suspense>
  );
}

function Settled({ artifact }: { artifact: Artifact }) {
  const meaning = stateMeaning(artifact) ?? "";
  if (artifact.status === "damaged") return <NoPreview reason={meaning} />;
  if (isGrowing(artifact)) {
    return <NoPreview reason={`${formatBytes(artifact.sizeBytes)} so far. It is shown here once it is whole.`} />;
  }
  if (artifact.sizeBytes === 0) return <NoPreview reason="It is empty." />;
  return (
    <>
      {artifact.status === "incomplete" && <p className="code-note note-warning">{meaning}</p>}
      <ByKind artifact={artifact} />
    </>
  );
}

function ByKind({ artifact }: { artifact: Artifact }) {
  switch (previewKind(artifact)) {
    case "image":
      return <ImageView key={artifact.id} src={artifactContentUrl(artifact.id)} name={artifact.name} />;
    case "frame":
      return <FramePreview artifact={artifact} />;
    case "pdf":
      return <PdfPreview artifact={artifact} />;
    case "audio":
    case "video":
      return <Player key={artifact.id} artifact={artifact} />;
    default:
      return <PreviewView key={artifact.id} artifact={artifact} />;
  }
}

const FRAME_VIEWS = [
  ["page", "Page"],
  ["source", "Source"],
] as const;

function FramePreview({ artifact }: { artifact: Artifact }) {
  const [view, setView] = useState<"page" | "source">("page");
  return (
    <div className="viewer">
      <div className="viewer-bar">
        <Segmented label="View" value={view} choices={FRAME_VIEWS} onChange={setView} />
        <span className="muted">Scripts do not run here.</span>
      </div>
      {view === "source" ? <PreviewView artifact={artifact} /> : <SandboxedFrame artifact={artifact} />}
    </div>
  );
}

/** The empty sandbox attribute takes away scripts, forms, pop-ups, downloads and the origin. */
function SandboxedFrame({ artifact }: { artifact: Artifact }) {
  return (
    <iframe
      className="preview-frame"
      sandbox=""
      src={artifactContentUrl(artifact.id)}
      title={`Content of ${artifact.name}`}
      referrerPolicy="no-referrer"
      loading="lazy"
    />
  );
}

/**
 * Browsers show PDF in a viewer of their own, which a sandbox turns off. Served as `application/pdf` with `nosniff`, the
 * bytes can be nothing else.
 */
function PdfPreview({ artifact }: { artifact: Artifact }) {
  if (!navigator.pdfViewerEnabled) return <NoPreview reason="This browser has no PDF viewer. Download it instead." />;
  return (
    <iframe
      className="preview-frame"
      src={artifactContentUrl(artifact.id)}
      title={`Content of ${artifact.name}`}
      referrerPolicy="no-referrer"
      loading="lazy"
    />
  );
}

function Player({ artifact }: { artifact: Artifact }) {
  const [broken, setBroken] = useState(false);
  if (broken) return <NoPreview reason="This browser can’t play it. Download it instead." />;
  const props = {
    controls: true,
    preload: "metadata",
    src: artifactContentUrl(artifact.id),
    "aria-label": artifact.name,
    onError: () => {
      setBroken(true);
    },
  } as const;
  return (
    <div className="preview-player">{artifact.type.startsWith("audio/") ? <audio {...props} /> : <video {...props} />}</div>
  );
}
