// What can be done with an artifact: download, open, copy a way to it, pin, delete.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { deletionMutation, pinMutation } from "../api/artifactChanges";
import { artifactContentUrl } from "../api/artifactContent";
import type { Artifact } from "../api/artifacts";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { CopyButton } from "../components/CopyButton";
import { FailedAction } from "../components/FailedAction";
import { curlFor, linkTo, pythonFor } from "../format/snippets";
import { DownloadLink } from "./DownloadLink";

interface PaneActionsProps {
  artifact: Artifact;
  onDeleted: () => void;
}

export function PaneActions({ artifact, onDeleted }: PaneActionsProps) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const pin = useMutation(pinMutation(client, artifact.id));
  const readable = artifact.status !== "damaged" && artifact.status !== "uploading";
  return (
    <>
      <div className="pane-actions">
        {readable && <DownloadLink artifact={artifact} />}
        {readable && (
          <a className="button" href={artifactContentUrl(artifact.id)} target="_blank" rel="noreferrer">
            Open<span className="visually-hidden"> in a new tab</span>
          </a>
        )}
        <button
          type="button"
          className="button"
          disabled={pin.isPending}
          title="A pinned artifact outlives every rule of retention"
          onClick={() => {
            pin.mutate(!artifact.pinned);
          }}
        >
          {artifact.pinned ? "Unpin" : "Pin"}
        </button>
        <button
          type="button"
          className="button button-danger-quiet"
          onClick={() => {
            setAsking(true);
          }}
        >
          Delete
        </button>
        <span className="copies" role="group" aria-label="Copy">
          <CopyButton text={linkTo(artifact)} label="link" caption="Copy link" />
          <CopyButton text={curlFor(artifact)} label="curl command" caption="curl" />
          <CopyButton text={pythonFor(artifact)} label="Python" caption="Python" />
        </span>
      </div>
      <FailedAction error={pin.error} title={artifact.pinned ? "It was not unpinned" : "It was not pinned"} />
      {asking && (
        <Deletion
          artifact={artifact}
          onDone={onDeleted}
          onCancel={() => {
            setAsking(false);
          }}
        />
      )}
    </>
  );
}

interface DeletionProps {
  artifact: Artifact;
  onDone: () => void;
  onCancel: () => void;
}

function Deletion({ artifact, onDone, onCancel }: DeletionProps) {
  const client = useQueryClient();
  const { mutate, isPending, error } = useMutation(deletionMutation(client, artifact));
  return (
    <ConfirmDialog
      title={`Delete ${artifact.name}?`}
      action="Delete"
      busy={isPending}
      onConfirm={() => {
        mutate(undefined, { onSuccess: onDone });
      }}
      onCancel={onCancel}
    >
      <p>
        {artifact.pinned && "It is pinned. "}
        {artifact.version > 1 || !artifact.latest ? `Only version ${artifact.version} goes; ` : "It goes for good; "}
        its bytes are freed when nothing else refers to them.
      </p>
      <FailedAction error={error} title="It was not deleted" />
    </ConfirmDialog>
  );
}
