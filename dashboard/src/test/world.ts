// A whole server for tests of pages: jobs and artifacts that are listed, read, pinned and deleted.
import type { WirePreview } from "../api/artifactWire";
import type { WireArtifact, WireJob } from "../api/wire";
import { makeRun } from "./factories";
import { fakeServer, json } from "./render";

interface World {
  jobs?: WireJob[];
  artifacts?: WireArtifact[];
  totalIsCapped?: boolean;
}

const PREVIEW: WirePreview = { kind: "json", text: '{"rows":42}', truncated: false };

/** Returns the addresses asked for. */
export function serve({ jobs = [], artifacts = [], totalIsCapped = false }: World): string[] {
  const list = (key: string, items: unknown[]) =>
    json({ [key]: items, total: items.length, total_is_capped: totalIsCapped, has_more: false, next_cursor: null });
  return fakeServer(({ pathname, searchParams }, { method, body }) => {
    const [, kind, id, part] = /^\/api\/v1\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?/.exec(pathname) ?? [];
    const one = artifacts.find((artifact) => artifact.id === id);
    if (kind === "functions" && part === "artifacts") return list("artifacts", artifacts);
    if (kind === "artifacts" && id === "stats") return json({ artifacts: { logical_bytes: 2_000, stored_bytes: 1_000 } });
    if (kind === "artifacts" && one !== undefined) {
      if (method === "DELETE" && one.pinned) return json({ detail: "it is pinned: unpin it first" }, 409);
      if (method === "DELETE") {
        artifacts.splice(artifacts.indexOf(one), 1);
        return json({ status: "deleted", id });
      }
      if (method === "PATCH") return json(Object.assign(one, JSON.parse(body ?? "{}") as Partial<WireArtifact>));
      if (part === "pin" || part === "unpin") one.pinned = part === "pin";
      if (part === "pin" || part === "unpin") return json(one);
      if (part === "preview") return json(PREVIEW);
      if (part === "lineage") {
        const made_by = makeRun({ id: one.job_id, function_name: "generate_report" });
        return json({ artifact: one, made_by, inputs: [], inputs_total: 0, read_by: [makeRun({ function_name: "publish" })], read_by_total: 1 });
      }
      if (part === "diff") {
        const difference = { kind: "text", added: 1, removed: 0, hunks: [], truncated: false };
        return json({ same: false, a: one, b: artifacts.find(({ id: b }) => pathname.endsWith(b)), difference });
      }
      return json(one);
    }
    if (kind === "jobs" && part === "artifacts") return list("artifacts", artifacts.filter((one) => one.job_id === id));
    if (kind === "jobs" && id !== undefined) {
      const job = jobs.find((one) => one.id === id);
      return job && json(job);
    }
    if (kind === "jobs") {
      const wanted = searchParams.getAll("status");
      return list("jobs", jobs.filter((job) => wanted.length === 0 || wanted.includes(job.status)));
    }
    if (kind === "artifacts" && id === undefined) {
      return list("artifacts", artifacts.filter(({ name }) => name.includes(searchParams.get("q") ?? "")));
    }
    if (kind === "functions") return list("functions", []);
    if (pathname === "/health") return json({ status: "ok", version: "9.9.9" });
    return undefined;
  });
}
