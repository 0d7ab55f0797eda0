// What an artifact's name meant before and after: its versions in this job and over all jobs of the function, and how two of
// them differ.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Suspense } from "react";

import { historyQuery } from "../api/artifactLineage";
import type { Artifact } from "../api/artifacts";
import { ErrorNotice } from "../components/ErrorNotice";
import { TimeAgo } from "../components/TimeAgo";
import { formatBytes, shortId, totalOf } from "../format/numbers";
import { ArtifactState } from "./ArtifactState";
import { CompareView } from "./lazyViewers";

interface ArtifactVersionsProps {
  artifact: Artifact;
  /** The id of the version to compare with. */
  compare: string | undefined;
  onCompare: (id: string | undefined) => void;
}

export function ArtifactVersions({ artifact, compare, onCompare }: ArtifactVersionsProps) {
  const { data, error } = useQuery(historyQuery(artifact));
  if (compare !== undefined) {
    return (
      <div className="pane-details">
        <button
          type="button"
          className="link-button compare-back"
          onClick={() => {
            onCompare(undefined);
          }}
        >
          ← All versions
        </button>
        <Suspense fallback={<div className="preview-wait" role="status" aria-label="Loading" />}>
          <CompareView olderId={compare} newerId={artifact.id} />
        </Suspense>
      </div>
    );
  }
  const versions = data?.items ?? [];
  const previous = versions[versions.findIndex((version) => version.id === artifact.id) + 1];
  const listed = versions.some((version) => version.id === artifact.id);
  return (
    <div className="pane-details">
      <ErrorNotice error={error} wanted="the versions" showsOlder={data !== undefined} />
      {data !== undefined && (
        <div className="section-heading">
          <h3>{totalOf(data, "version")} of this name</h3>
          {listed && previous !== undefined && (
            <button
              type="button"
              className="button button-small"
              onClick={() => {
                onCompare(previous.id);
              }}
            >
              Compare with previous
            </button>
          )}
        </div>
      )}
      <ol className="versions">
        {versions.map((version) => (
          <VersionLine key={version.id} version={version} current={artifact} onCompare={onCompare} />
        ))}
      </ol>
      {typeof data?.nextCursor === "string" && <p className="muted">These are the newest {versions.length}.</p>}
    </div>
  );
}

interface VersionLineProps {
  version: Artifact;
  current: Artifact;
  onCompare: (id: string) => void;
}

function VersionLine({ version, current, onCompare }: VersionLineProps) {
  const same = version.id === current.id;
  const equal = !same && version.sha256 !== null && version.sha256 === current.sha256;
  return (
    <li className="version" aria-current={same ? "true" : undefined}>
      <div className="version-name">
        {same ? (
          <strong>Version {version.version}</strong>
        ) : (
          <Link to="/artifacts" search={({ compare: _, ...search }) => ({ ...search, selected: version.id })}>
            Version {version.version}
          </Link>
        )}{" "}
        <span className="muted">
          {version.jobId === current.jobId ? "of this job" : `of job ${shortId(version.jobId)}`}
          {same && " · shown"}
          {equal && " · same content"}
        </span>{" "}
        <ArtifactState artifact={version} />
      </div>
      <span className="muted version-facts">
        {formatBytes(version.sizeBytes)} · <TimeAgo date={version.createdAt} />
      </span>
      {!same && !equal && (
        <button
          type="button"
          className="button button-small"
          aria-label={`Compare with version ${version.version} of job ${shortId(version.jobId)}`}
          onClick={() => {
            onCompare(version.id);
          }}
        >
          Compare
        </button>
      )}
    </li>
  );
}
