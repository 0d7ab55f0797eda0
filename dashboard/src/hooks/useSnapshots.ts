// A stream of whole states that keeps a query up to date.
import { useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";

import { watchSnapshots } from "../api/snapshots";

/** Whether what is new arrives by itself right now. */
export function useSnapshots(queryKey: QueryKey, url: string, convert: (wire: never) => unknown): boolean {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const take = useEffectEvent((model: unknown) => {
    client.setQueryData(queryKey, model);
  });
  const read = useEffectEvent(convert);
  useEffect(
    () =>
      watchSnapshots(url, (wire: never) => read(wire), {
        onSnapshot: (model) => {
          take(model);
        },
        onOpen: setOpen,
      }),
    [url],
  );
  return open;
}
