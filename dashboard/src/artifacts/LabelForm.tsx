// Changes what is written on an artifact: its description, its tags, and how long it stays.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { labelsMutation } from "../api/artifactChanges";
import type { Artifact } from "../api/artifacts";
import { FailedAction } from "../components/FailedAction";

const DAY_SECONDS = 86_400;

const STAYS: readonly { value: string; label: string; expiresIn: number | null | undefined }[] = [
  { value: "same", label: "as it was", expiresIn: undefined },
  { value: "job", label: "as long as its job", expiresIn: null },
  { value: "1d", label: "1 day from now", expiresIn: DAY_SECONDS },
  { value: "7d", label: "7 days from now", expiresIn: 7 * DAY_SECONDS },
  { value: "30d", label: "30 days from now", expiresIn: 30 * DAY_SECONDS },
  { value: "365d", label: "1 year from now", expiresIn: 365 * DAY_SECONDS },
];

export function LabelForm({ artifact, onDone }: { artifact: Artifact; onDone: () => void }) {
  const client = useQueryClient();
  const { mutate, isPending, error } = useMutation(labelsMutation(client, artifact.id));
  const [description, setDescription] = useState(artifact.description ?? "");
  const [tags, setTags] = useState(artifact.tags.join(", "));
  const [stays, setStays] = useState("same");
  const save = (event: React.SubmitEvent): void => {
    event.preventDefault();
    const expiresIn = STAYS.find(({ value }) => value === stays)?.expiresIn;
    mutate({ description: description.trim(), tags: tagsIn(tags), expiresIn }, { onSuccess: onDone });
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
      <label className="field">
        <span>Stays</span>
        <select
          value={stays}
          onChange={(event) => {
            setStays(event.target.value);
          }}
        >
          {STAYS.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
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
