// Artifacts as table rows. A row opens the preview; up and down move through the rows.
import { Link } from "@tanstack/react-router";

import type { Artifact } from "../api/artifacts";
import { JobLink } from "../components/JobLink";
import { TimeAgo } from "../components/TimeAgo";
import { formatBytes, formatCount } from "../format/numbers";
import { ArtifactState } from "./ArtifactState";
import { typeLabel } from "./artifactTypes";
import { Tags } from "./Tags";
import { Thumbnail } from "./Thumbnail";
import { TypeTag } from "./TypeTag";

interface ArtifactTableProps {
  artifacts: Artifact[];
  selected: string | undefined;
}

export function ArtifactTable({ artifacts, selected }: ArtifactTableProps) {
  return (
    <div className="table-frame">
      <table className="table">
        <caption className="visually-hidden">Artifacts</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="column-type wide-only">
              Type
            </th>
            <th scope="col" className="column-number wide-only">
              Size
            </th>
            <th scope="col" className="column-id wide-only">
              Job
            </th>
            <th scope="col" className="column-time">
              Created
            </th>
          </tr>
        </thead>
        <tbody onKeyDown={moveBetweenRows}>
          {artifacts.map((artifact) => (
            <ArtifactRow key={artifact.id} artifact={artifact} selected={artifact.id === selected} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ArtifactRow({ artifact, selected }: { artifact: Artifact; selected: boolean }) {
  return (
    <tr className="row-link" data-selected={selected}>
      <td className="cell-artifact">
        <div>
          <Thumbnail artifact={artifact} />
          <div className="cell-artifact-text">
            <div className="cell-artifact-name">
              <Link
                to="/artifacts"
                search={({ compare: _, ...search }) => ({ ...search, selected: artifact.id })}
                resetScroll={false}
                className="row-target"
                aria-current={selected ? "true" : undefined}
                title={artifact.description ?? artifact.name}
              >
                {artifact.name}
              </Link>
              {artifact.version > 1 && <span className="muted">v{artifact.version}</span>}
              <ArtifactState artifact={artifact} />
            </div>
            <span className="narrow-only muted subline">
              {typeLabel(artifact.type)} · {formatBytes(artifact.sizeBytes)}
            </span>
          </div>
          <Tags tags={artifact.tags} />
        </div>
      </td>
      <td className="wide-only">
        <TypeTag artifact={artifact} />
      </td>
      <td className="column-number wide-only" title={`${formatCount(artifact.sizeBytes)} bytes`}>
        {formatBytes(artifact.sizeBytes)}
      </td>
      <td className="wide-only cell-above">
        <JobLink jobId={artifact.jobId} />
      </td>
      <td className="column-time">
        <TimeAgo date={artifact.createdAt} />
      </td>
    </tr>
  );
}

function moveBetweenRows(event: React.KeyboardEvent<HTMLTableSectionElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const targets = [...event.currentTarget.querySelectorAll<HTMLElement>(".row-target")];
  const next = targets[targets.findIndex((target) => target === document.activeElement) + step];
  if (next === undefined || !targets.includes(document.activeElement as HTMLElement)) return;
  event.preventDefault();
  next.focus();
}
