// What an artifact holds, shown by its type. Artifacts are untrusted: text is text, and markup runs only in a sandboxed frame.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { artifactContentUrl, artifactTextQuery, type Artifact } from "../api/artifacts";
import { ErrorNotice } from "../components/ErrorNotice";
import { JsonText, TextBlock } from "../components/JsonBlock";
import { formatBytes } from "../format/numbers";
import { isTooLargeToPreview, previewKind, typeLabel } from "./artifactTypes";
import { CsvTable } from "./CsvTable";

export function ArtifactPreview({ artifact }: { artifact: Artifact }) {
  if (artifact.sizeBytes === 0) return <NoPreview reason="It is empty." />;
  if (isTooLargeToPreview(artifact)) {
    return <NoPreview reason={`${formatBytes(artifact.sizeBytes)} is too large to show here. Download it instead.`} />;
  }
  const kind = previewKind(artifact.type);
  switch (kind) {
    case "json":
    case "text":
    case "csv":
      return <TextPreview artifact={artifact} kind={kind} />;
    case "image":
      return <ImagePreview key={artifact.id} artifact={artifact} />;
    case "frame":
      return <FramePreview artifact={artifact} />;
    case "none":
      return <NoPreview reason={`${typeLabel(artifact.type)} files are not shown here. Download it instead.`} />;
  }
}

function TextPreview({ artifact, kind }: { artifact: Artifact; kind: "json" | "text" | "csv" }) {
  const { data, error } = useQuery(artifactTextQuery(artifact.id));
  const label = `Content of ${artifact.name}`;
  if (error !== null) return <ErrorNotice error={error} wanted="this content" />;
  if (data === undefined) return <div className="preview-wait" role="status" aria-label="Loading" />;
  if (kind === "json") return <JsonText text={data} label={label} />;
  if (kind === "csv") return <CsvTable text={data} label={label} />;
  return <TextBlock text={data} label={label} />;
}

function ImagePreview({ artifact }: { artifact: Artifact }) {
  const [broken, setBroken] = useState(false);
  if (broken) return <NoPreview reason="The browser can’t read this image. Download it instead." />;
  return (
    <div className="preview-image">
      <img
        src={artifactContentUrl(artifact.id)}
        alt={artifact.name}
        loading="lazy"
        onError={() => {
          setBroken(true);
        }}
      />
    </div>
  );
}

/** The empty sandbox attribute takes away scripts, forms, pop-ups, downloads and the origin. */
function FramePreview({ artifact }: { artifact: Artifact }) {
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

function NoPreview({ reason }: { reason: string }) {
  return (
    <div className="preview-none">
      <strong>No preview</strong>
      <p>{reason}</p>
    </div>
  );
}
