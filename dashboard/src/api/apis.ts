// HTTP APIs: who serves them, what is asked of them hour by hour and route by route, and their latest requests.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { apiUrl, getModel } from "./client";
import { toDate, toOptionalDate } from "./convert";
import { intervalForOne, LIVE_INTERVAL_MS } from "./live";
import type { WireApi, WireApiDetail, WireApiList, WireApiRequest, WireApiRequestPage, WireApiTrends, WireRequestFigures } from "./wire";

/** Whether there are any APIs seldom changes; the navigation asks for nothing else. */
const PRESENCE_INTERVAL_MS = 30_000;
/** How many of the latest requests are shown. */
const SHOWN_REQUESTS = 50;

export const REQUEST_STATUSES = ["2xx", "3xx", "4xx", "5xx"] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

export interface RequestFigures {
  requests: number;
  success: number;
  clientErrors: number;
  serverErrors: number;
  /** Of server errors among all requests. */
  errorPercent: number | null;
  averageMs: number | null;
  medianMs: number | null;
  p95Ms: number | null;
}

/** One process that serves an API. */
export interface ApiInstance {
  id: string;
  alive: boolean;
  startedAt: Date;
  lastSeenAt: Date;
  stoppedAt: Date | null;
  address: string;
  hostname: string;
  pid: number;
  version: string;
  /** Requests about which nothing is known, because there were too many at once. */
  dropped: number;
}

/** An API, with the figures of the last 24 hours. */
export interface HttpApi extends RequestFigures {
  name: string;
  active: boolean;
  endpointCount: number;
  /** The live ones first. */
  instances: ApiInstance[];
}

export interface ApiEndpoint extends RequestFigures {
  method: string;
  route: string;
}

export interface ApiDetail extends HttpApi {
  /** The most wanted first. */
  endpoints: ApiEndpoint[];
}

export interface TrafficHour extends RequestFigures {
  hour: Date;
}

export interface ApiRequest {
  id: number;
  at: Date;
  method: string;
  route: string;
  status: number;
  durationMs: number;
  error: string | null;
}

export interface RequestFilter {
  status?: RequestStatus;
  method?: string;
  route?: string;
}

export function apisQuery() {
  return queryOptions({
    queryKey: ["apis"],
    queryFn: ({ signal }) => getModel(apiUrl("apis"), (wire: WireApiList) => wire.apis.map(toApi), signal),
    refetchInterval: ({ state: { error } }) => intervalForOne({ settled: false, error }),
  });
}

/** The same list, asked for less often. */
export function apiPresenceQuery() {
  return queryOptions({ ...apisQuery(), staleTime: PRESENCE_INTERVAL_MS, refetchInterval: PRESENCE_INTERVAL_MS });
}

export function apiQuery(name: string) {
  return queryOptions({
    queryKey: ["apis", name],
    queryFn: ({ signal }) => getModel(apiUrl(`apis/${encodeURIComponent(name)}`), toApiDetail, signal),
    refetchInterval: ({ state: { error } }) => intervalForOne({ settled: false, error }),
  });
}

export function trafficQuery(filter: { hours: number; api: string; method?: string; route?: string }) {
  return queryOptions({
    queryKey: ["traffic", filter],
    queryFn: ({ signal }) => getModel(apiUrl("apis/trends", filter), toTraffic, signal),
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_INTERVAL_MS,
  });
}

export function requestsQuery(api: string, filter: RequestFilter) {
  return queryOptions({
    queryKey: ["requests", api, filter],
    queryFn: ({ signal }) => getModel(apiUrl("apis/events", { api, ...filter, limit: SHOWN_REQUESTS }), toRequests, signal),
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_INTERVAL_MS,
  });
}

function toFigures(wire: WireRequestFigures): RequestFigures {
  return {
    requests: wire.requests,
    success: wire.success,
    clientErrors: wire.client_errors,
    serverErrors: wire.server_errors,
    errorPercent: wire.error_rate,
    averageMs: wire.avg_ms,
    medianMs: wire.p50_ms,
    p95Ms: wire.p95_ms,
  };
}

export function toApi(wire: WireApi): HttpApi {
  return {
    ...toFigures(wire),
    name: wire.name,
    active: wire.active,
    endpointCount: wire.endpoint_count,
    instances: wire.instances.map((instance) => ({
      id: instance.id,
      alive: instance.alive,
      startedAt: toDate(instance.started_at),
      lastSeenAt: toDate(instance.last_heartbeat),
      stoppedAt: toOptionalDate(instance.stopped_at),
      address: addressOf(instance.host, instance.port),
      hostname: instance.hostname,
      pid: instance.pid,
      version: instance.version,
      dropped: instance.dropped,
    })),
  };
}

/** As it is typed into a browser: an IPv6 address stands in brackets. */
function addressOf(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function toApiDetail(wire: WireApiDetail): ApiDetail {
  const endpoints = wire.endpoints.map((one) => ({ ...toFigures(one), method: one.method, route: one.route }));
  return { ...toApi(wire), endpoints };
}

function toTraffic(wire: WireApiTrends): TrafficHour[] {
  return wire.hourly.map((one) => ({ ...toFigures(one), hour: toDate(one.hour) }));
}

function toRequests(wire: WireApiRequestPage): ApiRequest[] {
  return wire.events.map(toRequest);
}

function toRequest(wire: WireApiRequest): ApiRequest {
  return {
    id: wire.id,
    at: toDate(wire.at),
    method: wire.method,
    route: wire.route,
    status: wire.status,
    durationMs: wire.duration_ms,
    error: wire.error,
  };
}
