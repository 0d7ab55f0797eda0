// The artifacts section of a job's page.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { jobArtifactsQuery, jobZipUrl } from "../api/artifacts";
import { ErrorNotice } from "../components/ErrorNotice";
import { formatCount } from "../format/numbers";
import { useLiveArtifacts } from "../hooks/useLiveArtifacts";
import { ArtifactCard } from "./ArtifactCard";
import { UploadArea } from "./UploadArea";

/** A job with many artifacts shows the previews of the first few; the rest open on demand. */
const OPEN_AT_FIRST = 4;

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
          <a className="button button-small" href={jobZipUrl(jobId)} download>
            Download all (zip)
          </a>
        )}
      </div>
      <UploadArea jobId={jobId}>
        <ErrorNotice error={error} wanted="the artifacts" showsOlder={data !== undefined} />
        {data?.total === 0 && (
          <p className="muted">
            {settled ? "This job made no artifacts." : "None yet. They appear here as soon as the job makes them."}
          </p>
        )}
        {data?.items.map((artifact, index) => (
          <ArtifactCard key={artifact.id} artifact={artifact} openAtFirst={index < OPEN_AT_FIRST} />
        ))}
        {data !== undefined && data.total > data.items.length && (
          <p className="code-note">
            These are the newest {formatCount(data.items.length)}.{" "}
            <Link to="/artifacts" search={{ job_id: jobId }}>
              See all
            </Link>
          </p>
        )}
      </UploadArea>
    </section>
  );
}
