// What an artifact holds, shown by its type. Artifacts are untrusted: text is text, and markup runs only in a sandboxed frame.
import { Suspense, useState } from "react";

import { artifactContentUrl } from "../api/artifactContent";
import { isGrowing, type Artifact } from "../api/artifacts";
import { formatBytes } from "../format/numbers";
import { stateMeaning } from "./ArtifactState";
import { isLiveText, previewKind } from "./artifactTypes";
import { FramePreview } from "./FramePreview";
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
      return <FramePreview key={artifact.id} artifact={artifact} />;
    case "pdf":
      return <PdfPreview artifact={artifact} />;
    case "audio":
    case "video":
      return <Player key={artifact.id} artifact={artifact} />;
    default:
      return <PreviewView key={artifact.id} artifact={artifact} />;
  }
}

/**
 * Browsers show PDF in a viewer of their own. The server's policy for it is a sandbox already; a second one from here would
 * turn the viewer off.
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
