// What a job read, what it made, and which jobs read that in turn.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { jobArtifactsQuery, type Artifact } from "../api/artifacts";
import { jobLineageQuery, readersQuery } from "../api/jobHistory";
import { isFinished, type Job } from "../api/jobs";
import { Thumbnail } from "../artifacts/Thumbnail";
import { ErrorNotice } from "../components/ErrorNotice";
import { JobLink } from "../components/JobLink";
import { StatusBadge } from "../components/StatusBadge";
import { TableSkeleton } from "../components/TableSkeleton";
import { formatCount } from "../format/numbers";

const SHOWN = 30;

export function JobLineage({ job }: { job: Job }) {
  const settled = isFinished(job);
  const { data, error } = useQuery(jobLineageQuery(job.id, { settled }));
  const made = useQuery(jobArtifactsQuery(job.id, { settled }));
  if (data === undefined || made.data === undefined) {
    const problem = error ?? made.error;
    return problem === null ? <TableSkeleton /> : <ErrorNotice error={problem} wanted="the lineage" />;
  }
  return (
    <div className="job-lineage">
      <Column title="Read" total={data.readsTotal} absent="It has read no artifact.">
        {data.reads.slice(0, SHOWN).map((artifact) => (
          <li key={artifact.id} className="lineage-card card">
            <ArtifactName artifact={artifact} />
            <span className="muted">
              of job <JobLink jobId={artifact.jobId} />
            </span>
          </li>
        ))}
      </Column>
      <Column title="This job" absent="">
        <li className="lineage-card card lineage-card-self">
          <strong>{job.functionName}</strong>
          <StatusBadge status={job.status} />
        </li>
      </Column>
      <Column title="Made, and read by" total={made.data.total} absent="It has made no artifact.">
        {made.data.items.slice(0, SHOWN).map((artifact) => (
          <li key={artifact.id} className="lineage-card card">
            <ArtifactName artifact={artifact} />
            <Readers artifact={artifact} />
          </li>
        ))}
      </Column>
    </div>
  );
}

interface ColumnProps {
  title: string;
  total?: number;
  absent: string;
  children: ReactNode;
}

function Column({ title, total = 1, absent, children }: ColumnProps) {
  return (
    <section>
      <h2>
        {title} {total > 1 && <span className="count">{formatCount(total)}</span>}
      </h2>
      {total === 0 ? <p className="muted">{absent}</p> : <ul className="lineage-cards">{children}</ul>}
      {total > SHOWN && <p className="muted">These are the newest {SHOWN}.</p>}
    </section>
  );
}

function ArtifactName({ artifact }: { artifact: Artifact }) {
  return (
    <span className="lineage-name">
      <Thumbnail artifact={artifact} />
      <Link to="/artifacts" search={{ selected: artifact.id }} className="breakable">
        {artifact.name}
      </Link>
      {artifact.version > 1 && <span className="muted">v{artifact.version}</span>}
    </span>
  );
}

function Readers({ artifact }: { artifact: Artifact }) {
  const { data } = useQuery(readersQuery(artifact.id));
  if (data === undefined) return null;
  if (data.total === 0) return <span className="muted">No job has read it.</span>;
  return (
    <ul className="lineage-readers">
      {data.runs.map((run) => (
        <li key={run.id}>
          <span aria-hidden="true">→ </span>
          <Link to="/jobs/$jobId" params={{ jobId: run.id }} search={{ part: "lineage" }}>
            {run.functionName}
          </Link>{" "}
          <StatusBadge status={run.status} />
        </li>
      ))}
      {data.total > data.runs.length && (
        <li>
          <Link to="/jobs" search={{ reads: artifact.id }}>
            All {formatCount(data.total)} readers
          </Link>
        </li>
      )}
    </ul>
  );
}
