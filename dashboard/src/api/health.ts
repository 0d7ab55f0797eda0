// The server's health: who answers and in which version. It also notices a server that comes back.
import { queryOptions } from "@tanstack/react-query";

import { basePath, getModel } from "./client";
import { SETTLED_INTERVAL_MS } from "./live";
import type { WireHealth } from "./wire";

export function healthQuery() {
  return queryOptions({
    queryKey: ["health"],
    queryFn: ({ signal }) => getModel(`${basePath()}health`, (wire: WireHealth) => ({ version: wire.version }), signal),
    refetchInterval: SETTLED_INTERVAL_MS,
  });
}
