// Saves an artifact under its own name; the server sends the name along.
import { artifactDownloadUrl } from "../api/artifactContent";
import type { Artifact } from "../api/artifacts";

interface DownloadLinkProps {
  artifact: Artifact;
  small?: boolean;
}

export function DownloadLink({ artifact, small = false }: DownloadLinkProps) {
  return (
    <a
      className={small ? "button button-small" : "button button-primary"}
      href={artifactDownloadUrl(artifact.id)}
      download
      aria-label={`Download ${artifact.name}`}
    >
      Download
    </a>
  );
}
