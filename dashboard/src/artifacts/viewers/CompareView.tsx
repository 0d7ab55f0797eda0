// How two versions of an artifact differ, by their kind.
import { useQuery } from "@tanstack/react-query";

import { differenceQuery, type Difference } from "../../api/artifactContent";
import { artifactQuery } from "../../api/artifacts";
import { ErrorNotice } from "../../components/ErrorNotice";
import { TimeAgo } from "../../components/TimeAgo";
import { formatBytes, formatCount, shortId } from "../../format/numbers";
import { ImageDiff } from "./ImageDiff";
import { JsonDiff } from "./JsonDiff";
import { TableDiff } from "./TableDiff";
import { TextDiff } from "./TextDiff";

export interface ComparedIds {
  olderId: string;
  newerId: string;
}

export function CompareView({ olderId, newerId }: ComparedIds) {
  const { data, error } = useQuery(differenceQuery(olderId, newerId));
  if (error !== null) return <ErrorNotice error={error} wanted="the comparison" />;
  if (data === undefined) return <div className="preview-wait" role="status" aria-label="Loading" />;
  return (
    <section className="compare" aria-label="Comparison">
      <dl className="compare-sides">
        <Side name="Before" id={olderId} />
        <Side name="After" id={newerId} />
      </dl>
      <Shown ids={{ olderId, newerId }} difference={data} />
    </section>
  );
}

function Side({ name, id }: { name: string; id: string }) {
  const { data } = useQuery(artifactQuery(id));
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {data !== undefined && (
          <>
            version {data.version} of job {shortId(data.jobId)}{" "}
            <span className="muted">
              {formatBytes(data.sizeBytes)} · <TimeAgo date={data.createdAt} />
            </span>
          </>
        )}
      </dd>
    </div>
  );
}

function Shown({ ids, difference }: { ids: ComparedIds; difference: Difference }) {
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
      return <ImageDiff ids={ids} difference={difference} />;
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
