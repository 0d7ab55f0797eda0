// Artifacts as tiles. The arrow keys move between them; Enter opens the preview.
import type { Artifact } from "../api/artifacts";
import { ArtifactTile } from "./ArtifactTile";

interface ArtifactGalleryProps {
  artifacts: Artifact[];
  selected: string | undefined;
}

export function ArtifactGallery({ artifacts, selected }: ArtifactGalleryProps) {
  return (
    <ul className="tiles" aria-label="Artifacts" onKeyDown={moveBetweenTiles}>
      {artifacts.map((artifact) => (
        <li key={artifact.id}>
          <ArtifactTile artifact={artifact} selected={artifact.id === selected} inPlace />
        </li>
      ))}
    </ul>
  );
}

function moveBetweenTiles(event: React.KeyboardEvent<HTMLUListElement>): void {
  const targets = [...event.currentTarget.querySelectorAll<HTMLElement>(".row-target")];
  const at = targets.findIndex((target) => target === document.activeElement);
  if (at === -1) return;
  const inRow = getComputedStyle(event.currentTarget).gridTemplateColumns.split(" ").length;
  const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: inRow, ArrowUp: -inRow };
  const next = targets[at + (steps[event.key] ?? 0)];
  if (next === undefined || next === targets[at]) return;
  event.preventDefault();
  next.focus();
}
