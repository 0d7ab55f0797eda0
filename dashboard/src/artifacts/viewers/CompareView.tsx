// How two versions of an artifact differ, by their kind.
import { useQuery } from "@tanstack/react-query";

import { comparisonQuery, type Comparison, type Difference } from "../../api/artifactContent";
import type { Artifact } from "../../api/artifacts";
import { ErrorNotice } from "../../components/ErrorNotice";
import { TimeAgo } from "../../components/TimeAgo";
import { formatBytes, formatCount, shortId } from "../../format/numbers";
import { ImageDiff } from "./ImageDiff";
import { JsonDiff } from "./JsonDiff";
import { TableDiff } from "./TableDiff";
import { TextDiff } from "./TextDiff";

export function CompareView({ olderId, newerId }: { olderId: string; newerId: string }) {
  const { data, error } = useQuery(comparisonQuery(olderId, newerId));
  if (error !== null) return <ErrorNotice error={error} wanted="the comparison" />;
  if (data === undefined) return <div className="preview-wait" role="status" aria-label="Loading" />;
  return (
    <section className="compare" aria-label="Comparison">
      <dl className="compare-sides">
        <Side name="Before" artifact={data.older} />
        <Side name="After" artifact={data.newer} />
      </dl>
      <Shown comparison={data} difference={data.difference} />
    </section>
  );
}

function Side({ name, artifact }: { name: string; artifact: Artifact }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        version {artifact.version} of job {shortId(artifact.jobId)}{" "}
        <span className="muted">
          {formatBytes(artifact.sizeBytes)} · <TimeAgo date={artifact.createdAt} />
        </span>
      </dd>
    </div>
  );
}

function Shown({ comparison, difference }: { comparison: Comparison; difference: Difference }) {
  switch (difference.kind) {
    case "same":
      return <p className="compare-same">Nothing differs: both are the same {formatBytes(difference.size)}.</p>;
    case "text":
      return <TextDiff difference={difference} />;
    case "json":
      return <JsonDiff difference={difference} />;
    case "table":
      return <TableDiff difference={difference} />;
    case "image":
      return <ImageDiff comparison={comparison} difference={difference} />;
    case "bytes":
      return (
        <>
          {typeof difference.note === "string" && <p className="muted">{difference.note}</p>}
          <p>
            {formatCount(difference.old_size)} bytes became {formatCount(difference.new_size)} bytes.{" "}
            {difference.first_difference === null
              ? "They differ beyond the bytes that were compared."
              : `The first difference is at byte ${formatCount(difference.first_difference)}.`}
          </p>
        </>
      );
  }
}
