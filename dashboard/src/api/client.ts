// The one place that talks HTTP: builds addresses under the base path, reads JSON, and turns every failure into an ApiError.
import { reportConnection, reportKeyNeeded } from "./connection";
import { parseJson, toJsonText, type JsonValue } from "./json";

export type QueryParams = Record<string, string | number | readonly string[] | undefined>;

/** Why a call gave nothing: nobody answered, the server said no, or the answer was not what the API promises. */
export type ApiFailure = "unreachable" | "refused" | "malformed";

export class ApiError extends Error {
  readonly failure: ApiFailure;
  readonly status: number | null;

  constructor(failure: ApiFailure, status: number | null, message: string) {
    super(message);
    this.name = "ApiError";
    this.failure = failure;
    this.status = status;
  }
}

/** The folder the dashboard is served from, ending in a slash. Decided by the page's base href alone. */
export function basePath(): string {
  return new URL(".", document.baseURI).pathname;
}

export function apiUrl(path: string, params: QueryParams = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const query = search.size === 0 ? "" : `?${search.toString()}`;
  return `${basePath()}api/v1/${path}${query}`;
}

/**
 * GETs JSON and converts it from its wire shape to the dashboard's model. Nothing checks the shape before the converter does,
 * which is why it may ask for any (`never` is what every parameter type accepts).
 */
export async function getModel<Model>(
  url: string,
  convert: (wire: never) => Model,
  signal?: AbortSignal,
): Promise<Model> {
  return modelOf(url, await send(url, { accept: "application/json", signal }), convert);
}

/** Changes something, and converts the answer. */
export async function sendModel<Model>(
  method: "POST" | "PATCH" | "DELETE",
  url: string,
  body: object | null,
  convert: (wire: never) => Model,
): Promise<Model> {
  return modelOf(url, await send(url, { accept: "application/json", method, body }), convert);
}

/** As `getModel`, for calls whose refusal has the same shape as their answer, such as `/ready`. */
export async function getAnswer<Model>(url: string, convert: (wire: never) => Model, signal?: AbortSignal): Promise<Model> {
  return modelOf(url, await send(url, { accept: "application/json", signal, takesRefusal: true }), convert);
}

async function modelOf<Model>(url: string, response: Response, convert: (wire: never) => Model): Promise<Model> {
  const text = await readText(response);
  try {
    return convert((text === "" ? null : parseJson(text)) as never);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ApiError(
      "malformed",
      response.status,
      `The answer of ${url} is not what this dashboard expects (${reason}). Is the server of the same version?`,
    );
  }
}

/** Sends a file as it is, and converts the answer. */
export async function sendFile<Model>(url: string, file: Blob, convert: (wire: never) => Model): Promise<Model> {
  return modelOf(url, await send(url, { accept: "application/json", method: "POST", body: file }), convert);
}

/** True when the server does not know this call at all: it is older than the dashboard. */
export function isMissingCall(error: Error | null): boolean {
  return error instanceof ApiError && error.failure === "refused" && (error.status === 404 || error.status === 405);
}

/** GETs text as it is, for previews. */
export async function getText(url: string, signal?: AbortSignal): Promise<string> {
  return readText(await send(url, { accept: "*/*", signal }));
}

/** GETs bytes as they come. A stream that breaks off throws from the reader, not from here. */
export async function openStream(
  url: string,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<ReadableStream<Uint8Array>> {
  const { body } = await send(url, { accept: "*/*", signal, headers });
  if (body === null) throw new ApiError("malformed", null, `The answer of ${url} has no body.`);
  return body;
}

interface Sending {
  accept: string;
  method?: string;
  /** A Blob is sent as it is, anything else as JSON. */
  body?: object | null;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** A 503 is an answer like any other. */
  takesRefusal?: boolean;
}

async function send(url: string, sending: Sending): Promise<Response> {
  const { accept, method = "GET", body = null, headers: more = {}, signal, takesRefusal = false } = sending;
  const media = body instanceof Blob ? body.type || "application/octet-stream" : "application/json";
  const headers = { accept, ...(body !== null && { "content-type": media }), ...more };
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      credentials: "same-origin",
      ...(body !== null && { body: body instanceof Blob ? body : toJsonText(body as JsonValue) }),
      ...(signal && { signal }),
    });
  } catch (cause) {
    throw failureOf(cause);
  }
  if (response.ok || (takesRefusal && response.status === 503)) {
    reportConnection("reachable");
    return response;
  }
  if (response.status === 401) reportKeyNeeded(true);
  throw await refusalOf(response);
}

async function readText(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw failureOf(cause);
  }
}

function failureOf(cause: unknown): unknown {
  // A query that is no longer wanted says nothing about the server.
  if (cause instanceof DOMException && cause.name === "AbortError") return cause;
  reportConnection("unreachable");
  return new ApiError("unreachable", null, "The UpNext server does not answer.");
}

/** A 5xx without our `detail` comes from a proxy in front of a server that is away. */
async function refusalOf(response: Response): Promise<ApiError> {
  const detail = detailOf(await response.text().catch(() => ""));
  if (detail === null && response.status >= 500) {
    reportConnection("unreachable");
    return new ApiError("unreachable", response.status, `The UpNext server does not answer (HTTP ${response.status}).`);
  }
  reportConnection("reachable");
  return new ApiError("refused", response.status, detail ?? `HTTP ${response.status} ${response.statusText}`.trim());
}

function detailOf(text: string): string | null {
  try {
    const body: unknown = JSON.parse(text);
    if (body === null || typeof body !== "object" || !("detail" in body)) return null;
    return typeof body.detail === "string" ? body.detail : JSON.stringify(body.detail);
  } catch {
    return null;
  }
}
