// Changes to artifacts: pins, labels, deletion. Each brings the lists and the record on the page up to date.
import { mutationOptions, type QueryClient } from "@tanstack/react-query";

import { artifactUrl, toArtifact, type Artifact } from "./artifacts";
import { refreshLists } from "./artifactEvents";
import type { WireArtifactPatch } from "./artifactWire";
import { sendModel } from "./client";

export interface Labels {
  description: string;
  tags: string[];
  /** Seconds from now after which it goes; null: not before its job; undefined: as it was. */
  expiresIn?: number | null | undefined;
}

export function pinMutation(client: QueryClient, id: string) {
  return mutationOptions({
    mutationFn: (pinned: boolean) =>
      sendModel("POST", `${artifactUrl(id)}/${pinned ? "pin" : "unpin"}`, null, toArtifact),
    onSuccess: (artifact: Artifact) => {
      replace(client, artifact);
    },
  });
}

export function labelsMutation(client: QueryClient, id: string) {
  return mutationOptions({
    mutationFn: ({ description, tags, expiresIn }: Labels) => {
      const patch: WireArtifactPatch = {
        description: description === "" ? null : description,
        tags,
        ...(expiresIn !== undefined && { expires_in: expiresIn }),
      };
      return sendModel("PATCH", artifactUrl(id), patch, toArtifact);
    },
    onSuccess: (artifact: Artifact) => {
      replace(client, artifact);
    },
  });
}

export function deletionMutation(client: QueryClient, artifact: Artifact) {
  return mutationOptions({
    mutationFn: () => sendModel("DELETE", artifactUrl(artifact.id), null, () => null),
    onSuccess: () => {
      refreshLists(client, [artifact.jobId]);
    },
  });
}

function replace(client: QueryClient, artifact: Artifact): void {
  client.setQueryData(["artifact", artifact.id], artifact);
  refreshLists(client, [artifact.jobId]);
}
