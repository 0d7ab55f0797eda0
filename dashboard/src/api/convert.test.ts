// Tests of the converters: wire shapes in, models out, and unknown words never break a page.
import { describe, expect, it } from "vitest";

import { makeWireArtifact, makeWireFunction, makeWireInstance, makeWireJob } from "../test/factories";
import { toArtifact } from "./artifacts";
import { toRegisteredFunction } from "./functions";
import { parseJson, toJsonText, type JsonValue } from "./json";
import { isFinished, toJob } from "./jobs";
import { toWorker } from "./workers";

describe("toJob", () => {
  it("reads times as dates, retries as attempts, and the timeout in milliseconds", () => {
    const job = toJob(makeWireJob({ max_retries: 3, timeout: 1.5, created_at: "2026-11-24T02:00:00.123456Z" }));
    expect(job.createdAt.toISOString()).toBe("2026-11-24T02:00:00.123Z");
    expect(job.maxAttempts).toBe(4);
    expect(job.timeoutMs).toBe(1_500);
  });

  it("counts attempts that lost their worker beside the retries", () => {
    expect(toJob(makeWireJob({ max_retries: 0, attempts: 2 })).maxAttempts).toBe(2);
  });

  it("takes words of a newer server as unknown", () => {
    const job = toJob(makeWireJob({ status: "hibernating" as never, job_type: "webhook" as never }));
    expect(job.status).toBe("unknown");
    expect(job.type).toBe("unknown");
    expect(isFinished(job)).toBe(false);
  });

  it("fills what is absent", () => {
    const job = toJob(makeWireJob({ started_at: null, completed_at: null, result: undefined }));
    expect(job).toMatchObject({ startedAt: null, completedAt: null, result: null });
  });

  it("refuses a time that is none", () => {
    expect(() => toJob(makeWireJob({ created_at: "yesterday" }))).toThrow("'yesterday' is not a time");
  });
});

describe("toArtifact", () => {
  it("keeps any media type, and takes a status it does not know as unknown", () => {
    expect(toArtifact(makeWireArtifact({ type: "video/mp4" })).type).toBe("video/mp4");
    expect(toArtifact(makeWireArtifact({ status: "frozen" as never })).status).toBe("unknown");
  });
});

describe("toWorker", () => {
  it("takes the latest heartbeat, names for people, and the jobs of live instances", () => {
    const worker = toWorker({
      name: "demo",
      active: true,
      instance_count: 2,
      functions: ["f.key"],
      function_names: { "f.key": "f" },
      concurrency: 4,
      instances: [
        makeWireInstance({ alive: true, last_heartbeat: "2026-11-24T02:00:00Z", active_jobs: 3 }),
        makeWireInstance({ alive: false, last_heartbeat: "2026-11-24T02:00:05Z", active_jobs: 1 }),
      ],
    });
    expect(worker.functions).toEqual([{ key: "f.key", name: "f" }]);
    expect(worker.instances.map((instance) => instance.busySlots)).toEqual([3, 1]);
    expect(worker.busySlots).toBe(3);
    expect(worker.lastSeenAt?.toISOString()).toBe("2026-11-24T02:00:05.000Z");
  });
});

describe("toRegisteredFunction", () => {
  it("has no outcome before the first run", () => {
    const one = toRegisteredFunction(makeWireFunction({ type: "cron", schedule: "0 3 * * *" }));
    expect(one).toMatchObject({ trigger: "0 3 * * *", lastRunStatus: null, lastRunAt: null, successPercent: null });
  });
});

describe("parseJson and toJsonText", () => {
  it("keep integers that a number can't hold, where the browser gives their text", () => {
    const text = '{"id":9007199254740993,"ratio":0.1234567890123456,"list":[1,"x",null,true]}';
    const value = parseJson(text) as JsonValue;
    // Browsers and newer Node versions tell revivers the source text; others round as JSON.parse does.
    const keeps = typeof (value as { id: unknown }).id === "bigint";
    expect(toJsonText(value)).toBe(keeps ? text : text.replace("993", "992"));
  });
});
