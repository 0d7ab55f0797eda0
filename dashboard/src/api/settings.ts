// What the server runs with, and whether database and storage can be reached.
import { queryOptions } from "@tanstack/react-query";

import { apiUrl, basePath, getAnswer, getModel } from "./client";
import { toJsonValue } from "./convert";
import type { JsonValue } from "./json";
import { SETTLED_INTERVAL_MS } from "./live";
import type { WireReadiness, WireSettingList } from "./wire";

export interface Setting {
  name: string;
  /** Null when it is not set. Secrets come as the server hides them. */
  value: string | null;
  /** `set`, `default`, or `no effect`. */
  source: string;
  secret: boolean;
}

export interface ServerSettings {
  settings: Setting[];
  backend: Record<string, JsonValue>;
  storage: Record<string, JsonValue>;
}

export interface Readiness {
  ready: boolean;
  detail: string | null;
  /** `ok`, or what is wrong, by part. */
  checks: Record<string, string>;
}

export function settingsQuery() {
  return queryOptions({
    queryKey: ["settings"],
    queryFn: ({ signal }) => getModel(apiUrl("settings"), toServerSettings, signal),
    staleTime: 30_000,
  });
}

export function readinessQuery() {
  return queryOptions({
    queryKey: ["readiness"],
    queryFn: ({ signal }) => getAnswer(`${basePath()}ready`, toReadiness, signal),
    refetchInterval: SETTLED_INTERVAL_MS,
  });
}

export function toServerSettings(wire: WireSettingList): ServerSettings {
  return {
    settings: wire.settings.map(({ name, value, source, secret }) => ({
      name,
      value: value === "" ? null : value,
      source,
      secret,
    })),
    backend: toRecord(wire.backend),
    storage: toRecord(wire.storage),
  };
}

function toRecord(wire: object): Record<string, JsonValue> {
  return Object.fromEntries(Object.entries(wire).map(([name, value]: [string, unknown]) => [name, toJsonValue(value)]));
}

function toReadiness(wire: WireReadiness): Readiness {
  return { ready: wire.status === "ready", detail: wire.detail ?? null, checks: wire.checks };
}
