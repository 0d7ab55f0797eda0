// Changes what is written on an artifact: its description and its tags.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { labelsMutation } from "../api/artifactChanges";
import type { Artifact } from "../api/artifacts";
import { FailedAction } from "../components/FailedAction";

export function LabelForm({ artifact, onDone }: { artifact: Artifact; onDone: () => void }) {
  const client = useQueryClient();
  const { mutate, isPending, error } = useMutation(labelsMutation(client, artifact.id));
  const [description, setDescription] = useState(artifact.description ?? "");
  const [tags, setTags] = useState(artifact.tags.join(", "));
  const save = (event: React.SubmitEvent): void => {
    event.preventDefault();
    mutate({ description: description.trim(), tags: tagsIn(tags) }, { onSuccess: onDone });
  };
  return (
    <form
      className="label-form"
      onSubmit={save}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onDone();
      }}
    >
      <label className="field">
        <span>Description</span>
        <textarea
          rows={3}
          autoFocus
          maxLength={4_096}
          value={description}
          onChange={(event) => {
            setDescription(event.target.value);
          }}
        />
      </label>
      <label className="field">
        <span>Tags, separated by commas</span>
        <input
          type="text"
          value={tags}
          onChange={(event) => {
            setTags(event.target.value);
          }}
        />
      </label>
      <FailedAction error={error} title="Nothing was changed" />
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" className="button button-primary" disabled={isPending}>
          Save
        </button>
      </div>
    </form>
  );
}

function tagsIn(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()))].filter((tag) => tag !== "");
}
