// Artifacts as table rows, of which only those in sight are in the page. A row opens its pane, on whatever page the table is.
import { Link } from "@tanstack/react-router";
import { memo, useRef } from "react";

import type { Artifact } from "../api/artifacts";
import { JobLink } from "../components/JobLink";
import { moveBetweenRows } from "../components/moveBetweenRows";
import { RowGap } from "../components/RowGap";
import { TimeAgo } from "../components/TimeAgo";
import { formatBytes, formatCount } from "../format/numbers";
import { useNarrow } from "../hooks/useNarrow";
import { useRowsInSight } from "../hooks/useRowsInSight";
import { ArtifactState } from "./ArtifactState";
import { typeLabel } from "./artifactTypes";
import { Tags } from "./Tags";
import { Thumbnail } from "./Thumbnail";
import { TypeTag } from "./TypeTag";

/** The same as in the style sheet. */
const ROW_HEIGHT = 46;
const NARROW_ROW_HEIGHT = 66;

interface ArtifactTableProps {
  artifacts: Artifact[];
  selected: string | undefined;
  /** All are of one job, which needs not be said. */
  ofOneJob?: boolean;
  /** Called when the end comes near. */
  onNearEnd?: () => void;
}

const NOTHING = (): void => undefined;

export function ArtifactTable({ artifacts, selected, ofOneJob = false, onNearEnd = NOTHING }: ArtifactTableProps) {
  const narrow = useNarrow();
  const frame = useRef<HTMLDivElement>(null);
  const { indexes, before, after } = useRowsInSight(frame, artifacts.length, narrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT, onNearEnd);
  return (
    <div className="table-frame" ref={frame}>
      <table className={ofOneJob ? "table artifact-table of-one-job" : "table artifact-table"} aria-rowcount={artifacts.length + 1}>
        <caption className="visually-hidden">Artifacts</caption>
        <thead>
          <tr aria-rowindex={1}>
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
          <RowGap height={before} />
          {indexes.map((index) => {
            const artifact = artifacts[index];
            return artifact !== undefined && <ArtifactRow key={artifact.id} artifact={artifact} index={index} selected={artifact.id === selected} />;
          })}
          <RowGap height={after} />
        </tbody>
      </table>
    </div>
  );
}

const ArtifactRow = memo(function ArtifactRow({ artifact, index, selected }: { artifact: Artifact; index: number; selected: boolean }) {
  return (
    <tr className="row-link" data-selected={selected} aria-rowindex={index + 2}>
      <td className="cell-artifact">
        <div>
          <Thumbnail artifact={artifact} />
          <div className="cell-artifact-text">
            <div className="cell-artifact-name">
              <Link
                to="."
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
      <td className="wide-only cell-type">
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
});
