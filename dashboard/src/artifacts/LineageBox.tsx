// Where an artifact comes from and where it went: what its job had read, the job, and the jobs that read it.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { lineageQuery, type Lineage, type Run } from "../api/artifactLineage";
import type { Artifact } from "../api/artifacts";
import { ErrorNotice } from "../components/ErrorNotice";
import { JobLink } from "../components/JobLink";
import { StatusBadge } from "../components/StatusBadge";
import { TimeAgo } from "../components/TimeAgo";
import { formatCount } from "../format/numbers";
import { Thumbnail } from "./Thumbnail";

export function LineageBox({ artifact }: { artifact: Artifact }) {
  const { data, error } = useQuery(lineageQuery(artifact.id));
  return (
    <div className="pane-details">
      <ErrorNotice error={error} wanted="the lineage" showsOlder={data !== undefined} />
      {data === undefined ? (
        error === null && <div className="preview-wait" role="status" aria-label="Loading" />
      ) : (
        <Steps artifact={artifact} lineage={data} />
      )}
    </div>
  );
}

function Steps({ artifact, lineage }: { artifact: Artifact; lineage: Lineage }) {
  return (
    <ol className="lineage">
      <Step title="Inputs" total={lineage.inputsTotal} shown={lineage.inputs.length} absent="Its job read no artifact.">
        {lineage.inputs.map((input) => (
          <li key={input.id}>
            <ArtifactLine artifact={input} />
          </li>
        ))}
      </Step>
      <Step title="Made by" absent="">
        <li>
          <RunLine run={lineage.madeBy} />
        </li>
      </Step>
      <Step title="This artifact" absent="">
        <li className="lineage-self">
          <Thumbnail artifact={artifact} />
          {artifact.name}
        </li>
      </Step>
      <Step title="Read by" total={lineage.readByTotal} shown={lineage.readBy.length} absent="No job has read it.">
        {lineage.readBy.map((run) => (
          <li key={run.id}>
            <RunLine run={run} />
          </li>
        ))}
      </Step>
    </ol>
  );
}

interface StepProps {
  title: string;
  total?: number;
  shown?: number;
  absent: string;
  children: ReactNode;
}

function Step({ title, total = 1, shown = 1, absent, children }: StepProps) {
  return (
    <li className="lineage-step">
      <h3>
        {title} {total > 1 && <span className="count">{formatCount(total)}</span>}
      </h3>
      {total === 0 ? <p className="muted">{absent}</p> : <ul>{children}</ul>}
      {total > shown && <p className="muted">These are the newest {formatCount(shown)}.</p>}
    </li>
  );
}

function ArtifactLine({ artifact }: { artifact: Artifact }) {
  return (
    <>
      <Thumbnail artifact={artifact} />
      <Link to="/artifacts" search={(search) => ({ ...search, selected: artifact.id })} className="breakable">
        {artifact.name}
      </Link>
      <span className="muted">
        of job <JobLink jobId={artifact.jobId} />
      </span>
    </>
  );
}

function RunLine({ run }: { run: Run }) {
  return (
    <>
      <StatusBadge status={run.status} />
      <Link to="/jobs/$jobId" params={{ jobId: run.id }} className="breakable">
        {run.functionName}
      </Link>
      <span className="muted">
        <TimeAgo date={run.createdAt} />
      </span>
    </>
  );
}
