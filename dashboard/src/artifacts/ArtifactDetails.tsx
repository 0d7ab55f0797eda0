// Everything that is known about an artifact beside its content: facts, labels, metadata.
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";

import type { Artifact } from "../api/artifacts";
import { toJsonText } from "../api/json";
import { CopyButton } from "../components/CopyButton";
import { JobLink } from "../components/JobLink";
import { JsonTree } from "../components/JsonTree";
import { TimeAgo } from "../components/TimeAgo";
import { jsonTree } from "../format/jsonTree";
import { formatBytes, formatCount } from "../format/numbers";
import { LabelForm } from "./LabelForm";
import { stateMeaning } from "./ArtifactState";
import { TypeTag } from "./TypeTag";

export function ArtifactDetails({ artifact }: { artifact: Artifact }) {
  const meaning = stateMeaning(artifact);
  return (
    <div className="pane-details">
      <dl className="facts pane-facts">
        {meaning !== null && <Fact name="Status">{meaning}</Fact>}
        <Fact name="Type">
          <TypeTag artifact={artifact} /> <span className="muted">{artifact.contentType}</span>
        </Fact>
        <Fact name="Size">
          {formatBytes(artifact.sizeBytes)} <span className="muted">{formatCount(artifact.sizeBytes)} bytes</span>
        </Fact>
        <Fact name="Created">
          <TimeAgo date={artifact.createdAt} />
          {artifact.attempt > 0 && <span className="muted"> · attempt {artifact.attempt}</span>}
        </Fact>
        <Fact name="Version">
          {artifact.version}
          <span className="muted">{artifact.latest ? " · the newest in its job" : " · there is a newer one in its job"}</span>
        </Fact>
        <Fact name="Stays">{artifact.pinned ? "until it is unpinned" : <Expiry artifact={artifact} />}</Fact>
        <Fact name="Function">
          <Link to="/artifacts" search={{ function: artifact.functionKey }} title="Artifacts of this function">
            {artifact.functionKey}
          </Link>
        </Fact>
        <Fact name="Job">
          <JobLink jobId={artifact.jobId} />
        </Fact>
        <Fact name="Id">
          <Digest text={artifact.id} label="artifact id" />
        </Fact>
        <Fact name="SHA-256">
          {artifact.sha256 === null ? (
            <span className="muted">none until it is whole</span>
          ) : (
            <Digest text={artifact.sha256} label="SHA-256" />
          )}
        </Fact>
      </dl>
      <Labels artifact={artifact} />
      <Metadata artifact={artifact} />
    </div>
  );
}

function Labels({ artifact }: { artifact: Artifact }) {
  const [editing, setEditing] = useState(false);
  return (
    <section className="pane-section">
      <div className="section-heading">
        <h3>Description and tags</h3>
        {!editing && (
          <button
            type="button"
            className="button button-small"
            onClick={() => {
              setEditing(true);
            }}
          >
            Edit<span className="visually-hidden"> description and tags</span>
          </button>
        )}
      </div>
      {editing ? (
        <LabelForm
          artifact={artifact}
          onDone={() => {
            setEditing(false);
          }}
        />
      ) : (
        <p className={artifact.description === null ? "muted" : "pane-description"}>
          {artifact.description ?? "No description."} {artifact.tags.length === 0 && <span className="muted">No tags.</span>}
        </p>
      )}
    </section>
  );
}

function Metadata({ artifact }: { artifact: Artifact }) {
  const text = toJsonText(artifact.metadata);
  const tree = artifact.metadata === null ? null : jsonTree(text);
  return (
    <section className="pane-section">
      <div className="section-heading">
        <h3>Metadata</h3>
        {tree !== null && <CopyButton text={text} label="metadata" />}
      </div>
      {tree === null ? <p className="muted">None.</p> : <JsonTree node={tree} label="Metadata" />}
    </section>
  );
}

function Expiry({ artifact }: { artifact: Artifact }) {
  if (artifact.expiresAt === null) return <>as long as its job</>;
  return (
    <>
      until <TimeAgo date={artifact.expiresAt} />
    </>
  );
}

function Digest({ text, label }: { text: string; label: string }) {
  return (
    <span className="digest">
      <code title={text}>{text}</code>
      <CopyButton text={text} label={label} />
    </span>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
