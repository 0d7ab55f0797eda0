// Keeps every list and record of artifacts on the page up to date while the component is there.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent } from "react";

import { watchArtifactEvents, type ListReader } from "../api/artifactEvents";

const LIVE: ListReader = { isStill: () => false, onEvents: () => undefined };

export function useLiveArtifacts(reader: ListReader = LIVE): void {
  const client = useQueryClient();
  const isStill = useEffectEvent(() => reader.isStill());
  const onEvents = useEffectEvent<ListReader["onEvents"]>((events) => {
    reader.onEvents(events);
  });
  useEffect(
    () =>
      watchArtifactEvents(client, {
        isStill: () => isStill(),
        onEvents: (events) => {
          onEvents(events);
        },
      }),
    [client],
  );
}
