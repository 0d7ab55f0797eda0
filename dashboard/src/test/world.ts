// A whole server for tests of pages: jobs and artifacts that are listed, read, changed and deleted.
import type { WirePreview } from "../api/artifactWire";
import type { WireArtifact, WireAttemptList, WireDashboardStats, WireFunction, WireJob, WireLogPage, WireWorkerInstance } from "../api/wire";
import { makeRun, makeWireStats } from "./factories";
import { fakeServer, json } from "./render";

interface World {
  jobs?: WireJob[];
  artifacts?: WireArtifact[];
  totalIsCapped?: boolean;
  functions?: WireFunction[];
  workers?: WireWorkerInstance[];
  /** Null: a server that is too old for it. */
  stats?: WireDashboardStats | null;
  logs?: WireLogPage["logs"];
  attempts?: WireAttemptList["attempts"];
}

interface Call {
  kind: string;
  id: string | undefined;
  part: string | undefined;
  method: string;
  body: string | undefined;
  url: URL;
}

const PREVIEW: WirePreview = { kind: "json", text: '{"rows":42}', truncated: false };

/** Returns the addresses asked for; what changes something begins with its method. */
export function serve(world: World): string[] {
  return fakeServer((url, { method, body }) => {
    const [, kind = "", id, part] = /^\/api\/v1\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?/.exec(url.pathname) ?? [];
    const call = { kind, id, part, method, body, url };
    if (kind === "artifacts") return answerArtifacts(world, call);
    if (kind === "jobs") return answerJobs(world, call);
    if (kind === "functions") return answerFunctions(world, call);
    if (kind === "workers") return json(workerList(world.workers ?? []));
    if (kind === "dashboard" && world.stats !== null) return json(world.stats ?? makeWireStats());
    if (kind === "auth") return json({ auth_enabled: false });
    if (url.pathname === "/health") return json({ status: "ok", version: "9.9.9" });
    if (url.pathname === "/ready") return json({ status: "unavailable", version: "9.9.9", detail: "no storage", checks: { backend: "ok", storage: "the bucket is gone" } }, 503);
    return undefined;
  });
}

function list(world: World, key: string, items: unknown[]): Response {
  return json({ [key]: items, total: items.length, total_is_capped: world.totalIsCapped ?? false, has_more: false, next_cursor: null });
}

function answerArtifacts(world: World, { id, part, method, body, url }: Call): Response | undefined {
  const { artifacts = [] } = world;
  if (id === undefined) return list(world, "artifacts", artifacts.filter(({ name }) => name.includes(url.searchParams.get("q") ?? "")));
  if (id === "stats") return json({ artifacts: { count: 1, versions: 1, logical_bytes: 2_000, stored_bytes: 1_000 } });
  const one = artifacts.find((artifact) => artifact.id === id);
  if (one === undefined) return undefined;
  if (method === "DELETE" && one.pinned) return json({ detail: "it is pinned: unpin it first" }, 409);
  if (method === "DELETE") {
    artifacts.splice(artifacts.indexOf(one), 1);
    return json({ status: "deleted", id });
  }
  if (method === "PATCH") return json(Object.assign(one, JSON.parse(body ?? "{}") as Partial<WireArtifact>));
  if (part === "pin" || part === "unpin") one.pinned = part === "pin";
  if (part === "preview") return json(PREVIEW);
  if (part === "lineage") {
    const made_by = makeRun({ id: one.job_id, function_name: "generate_report" });
    return json({ artifact: one, made_by, inputs: [], inputs_total: 0, read_by: [makeRun({ function_name: "publish" })], read_by_total: 1 });
  }
  if (part === "diff") {
    const difference = { kind: "text", added: 1, removed: 0, hunks: [], truncated: false };
    return json({ same: false, a: one, b: artifacts.find(({ id: b }) => url.pathname.endsWith(b)), difference });
  }
  return json(one);
}

function answerJobs(world: World, { id, part, method, body, url }: Call): Response | undefined {
  const { jobs = [], artifacts = [], logs = [], attempts = [] } = world;
  if (id === undefined && method === "POST") {
    const { function: key } = JSON.parse(body ?? "{}") as { function: string };
    const [like] = jobs;
    if (like === undefined) return json({ detail: `there is no function '${key}'` }, 404);
    const made = { ...like, ...(JSON.parse(body ?? "{}") as Partial<WireJob>), id: "019ab1c2-0000-7000-8000-0000000000aa", status: "queued" as const };
    jobs.unshift(made);
    return json({ job_id: made.id, created: true });
  }
  if (id === undefined) {
    const wanted = url.searchParams.getAll("status");
    const tags = url.searchParams.getAll("tag");
    const text = url.searchParams.get("text") ?? "";
    const found = jobs.filter((job) => wanted.length === 0 || wanted.includes(job.status));
    return list(world, "jobs", found.filter((job) => tags.every((tag) => job.tags.includes(tag)) && JSON.stringify(job).includes(text)));
  }
  if (id === "trends") return json({ hourly: [{ hour: "2026-11-24T02:00:00Z", complete: 3, failed: 1, retrying: 0, active: 0 }] });
  const job = jobs.find((one) => one.id === id);
  if (job === undefined) return undefined;
  if (part === "artifacts") return list(world, "artifacts", artifacts.filter((one) => one.job_id === id));
  if (part === "timeline") return list(world, "jobs", jobs.filter((one) => one.root_id === job.root_id));
  if (part === "attempts") return json({ attempts, total: attempts.length });
  if (part === "lineage") return json({ job: makeRun({ id }), makes: [], makes_total: 0, reads: artifacts.slice(0, 1), reads_total: Math.min(1, artifacts.length) });
  if (part === "logs") {
    const after = Number(url.searchParams.get("after"));
    const rest = logs.filter((line) => line.sequence > after);
    return json({ logs: rest, next_after: rest.at(-1)?.sequence ?? after, has_more: false });
  }
  if (part === "cancel" || part === "retry") {
    if (part === "retry" && job.status !== "failed") return json({ detail: `the job is ${job.status}` }, 409);
    job.status = part === "cancel" ? "cancelled" : "queued";
    return json({ job_id: id, status: job.status });
  }
  return json(job);
}

function answerFunctions(world: World, { id, part }: Call): Response | undefined {
  const { functions = [], artifacts = [] } = world;
  if (part === "artifacts") return list(world, "artifacts", artifacts);
  if (id === undefined) return list(world, "functions", functions);
  const one = functions.find(({ key }) => key === decodeURIComponent(id));
  if (one === undefined) return undefined;
  if (part === "pause" || part === "resume") {
    one.paused = part === "pause";
    return json({ key: one.key, paused: one.paused });
  }
  return json({ ...one, recent_runs: [] });
}

function workerList(instances: WireWorkerInstance[]): object {
  const workers = instances.map((instance) => ({
    name: instance.worker_name,
    active: instance.alive,
    instance_count: 1,
    functions: instance.functions,
    function_names: instance.function_names,
    concurrency: instance.concurrency,
    instances: [instance],
  }));
  return { workers, total: workers.length };
}
