// Keeps every list and record of artifacts on the page up to date while the component is there.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { watchArtifactEvents } from "../api/artifactEvents";

export function useLiveArtifacts(): void {
  const client = useQueryClient();
  useEffect(() => watchArtifactEvents(client), [client]);
}
