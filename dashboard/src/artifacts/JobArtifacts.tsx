// The artifacts in the summary of a job: the newest with their previews, and the way to all of them.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { jobArtifactsQuery } from "../api/artifacts";
import { ErrorNotice } from "../components/ErrorNotice";
import { formatCount } from "../format/numbers";
import { useLiveArtifacts } from "../hooks/useLiveArtifacts";
import { ArtifactCard } from "./ArtifactCard";
import { previewKind } from "./artifactTypes";
import { DownloadAll } from "./DownloadAll";
import { UploadArea } from "./UploadArea";

/** A job with many artifacts shows the previews of the first few, unless they are plain bytes; some more open on demand, and
 * the rest have their own tab. */
const OPEN_AT_FIRST = 4;
const SHOWN = 8;

export function JobArtifacts({ jobId, settled }: { jobId: string; settled: boolean }) {
  useLiveArtifacts();
  const { data, error } = useQuery(jobArtifactsQuery(jobId, { settled }));
  return (
    <section aria-labelledby="artifacts-heading">
      <div className="section-heading">
        <h2 id="artifacts-heading">
          Artifacts {data !== undefined && data.total > 0 && <span className="count">{formatCount(data.total)}</span>}
        </h2>
        {data !== undefined && data.total > 0 && (
          <DownloadAll jobId={jobId} />
        )}
      </div>
      <UploadArea jobId={jobId}>
        <ErrorNotice error={error} wanted="the artifacts" showsOlder={data !== undefined} />
        {data?.total === 0 && (
          <p className="muted">
            {settled ? "This job made no artifacts." : "None yet. They appear here as soon as the job makes them."}
          </p>
        )}
        {data?.items.slice(0, SHOWN).map((artifact, index) => (
          <ArtifactCard key={artifact.id} artifact={artifact} openAtFirst={index < OPEN_AT_FIRST && previewKind(artifact) !== "other"} />
        ))}
        {data !== undefined && data.total > SHOWN && (
          <p className="upload-line">
            <Link to="/jobs/$jobId" params={{ jobId }} search={{ part: "artifacts" }}>
              All {formatCount(data.total)} artifacts
            </Link>
          </p>
        )}
      </UploadArea>
    </section>
  );
}
