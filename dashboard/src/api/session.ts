// Signing in with the server's key. The server keeps it in a cookie that no script can read.
import { mutationOptions, queryOptions, type QueryClient } from "@tanstack/react-query";

import { apiUrl, getModel, sendModel } from "./client";
import { reportKeyNeeded } from "./connection";
import type { WireAuthStatus } from "./wire";

export function authStatusQuery() {
  return queryOptions({
    queryKey: ["auth"],
    queryFn: ({ signal }) => getModel(apiUrl("auth/status"), (wire: WireAuthStatus) => ({ enabled: wire.auth_enabled }), signal),
    staleTime: Infinity,
  });
}

export function signInMutation(client: QueryClient) {
  return mutationOptions({
    mutationFn: (key: string) => sendModel("POST", apiUrl("auth/login"), { key }, () => null),
    onSuccess: () => {
      reportKeyNeeded(false);
      return client.resetQueries();
    },
  });
}

export function signOutMutation(client: QueryClient) {
  return mutationOptions({
    mutationFn: () => sendModel("POST", apiUrl("auth/logout"), null, () => null),
    onSuccess: () => {
      reportKeyNeeded(true);
      client.clear();
    },
  });
}
