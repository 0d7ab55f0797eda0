// The server's preview of an artifact, each kind in its own way.
import { useQuery } from "@tanstack/react-query";

import { artifactPreviewQuery, artifactThumbnailUrl, type Preview } from "../../api/artifactContent";
import type { Artifact } from "../../api/artifacts";
import { ErrorNotice } from "../../components/ErrorNotice";
import { NoPreview } from "../NoPreview";
import { ArchiveList } from "./ArchiveList";
import { HexView } from "./HexView";
import { ImageView } from "./ImageView";
import { JsonView } from "./JsonView";
import { TableGrid } from "./TableGrid";
import { TextView } from "./TextView";

export function PreviewView({ artifact }: { artifact: Artifact }) {
  const { data, error } = useQuery(artifactPreviewQuery(artifact));
  if (error !== null) return <ErrorNotice error={error} wanted="this content" />;
  if (data === undefined) return <div className="preview-wait" role="status" aria-label="Loading" />;
  return <Shown artifact={artifact} preview={data} />;
}

function Shown({ artifact, preview }: { artifact: Artifact; preview: Preview }) {
  const label = `Content of ${artifact.name}`;
  switch (preview.kind) {
    case "text":
      return <TextView artifact={artifact} preview={preview} label={label} />;
    case "json":
      return <JsonView preview={preview} label={label} />;
    case "table":
      return <TableGrid table={preview} label={label} />;
    case "image":
      return <ImageView src={artifactThumbnailUrl(artifact.id)} name={artifact.name} />;
    case "archive":
      return <ArchiveList archive={preview} label={label} />;
    case "binary":
      return <HexView preview={preview} label={label} />;
    case "too_large":
    case "none":
      return <NoPreview reason={preview.reason} />;
    default:
      return <NoPreview reason="This dashboard is older than the server. Reload the page, or download it." />;
  }
}
