// The budgets of the dashboard: something useful within a second, and a page that answers while a thousand events a second
// come in.
import { createServer, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, test } from "./fixtures";

const FIRST_USEFUL_MS = 1_000;
const MOST_LOADS = 15;
const EVENTS_PER_SECOND = 1_000;
const FLOOD_MS = 4_000;
/** How much of that time the page may be busy. */
const MOST_BUSY_MS = FLOOD_MS / 2;
const LONGEST_ANSWER_MS = 2_000;

test("something useful is there within a second", async ({ page, upnext }) => {
  test.setTimeout(120_000);
  for (const [path, wanted] of [
    ["/", ".figure-value"],
    ["/jobs", "tr[data-job]"],
    ["/artifacts", ".artifact-table .row-target"],
    [`/jobs/${upnext.seed.jobId}`, ".job-part h2"],
  ] as const) {
    const times: number[] = [];
    // The best of some: what other programs of the machine do is no fault of the page.
    for (let load = 0; load < MOST_LOADS && Math.min(...times) >= FIRST_USEFUL_MS; load += 1) {
      await page.goto(path, { waitUntil: "commit" });
      const there = await page.waitForFunction((selector) => document.querySelector(selector) !== null && performance.now(), wanted);
      times.push(Number(await there.jsonValue()));
    }
    expect(Math.min(...times), `${path} took ${times.map(Math.round).join(", ")} ms`).toBeLessThan(FIRST_USEFUL_MS);
  }
});

/** The server, with a stream of events of its own: so many jobs begin and end each second. */
async function withFlood(target: string): Promise<{ url: string; stop: () => void }> {
  const streams = new Set<ServerResponse>();
  let id = 1;
  const send = (type: string, status: string, number: number): string => {
    const job = `01990000-0000-7000-8000-${String(number).padStart(12, "0")}`;
    const event = {
      type,
      at: new Date().toISOString(),
      job_id: job,
      function: "generate_report",
      function_name: "generate_report",
      parent_id: null,
      root_id: job,
      status,
      attempt: 1,
      progress: 0,
      progress_message: null,
      error: null,
      worker_id: "demo-1",
    };
    id += 1;
    return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
  };
  let sent = 0;
  const began = Date.now();
  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - began) * EVENTS_PER_SECOND) / 1_000);
    let batch = "";
    for (; sent < due; sent += 2) batch += send("job.started", "active", sent) + send("job.completed", "complete", sent);
    for (const stream of streams) stream.write(batch);
  }, 20);
  const server = createServer((asked, answer) => {
    if (asked.url?.endsWith("/events/stream") === true) {
      answer.writeHead(200, { "content-type": "text/event-stream" });
      answer.write("event: open\nid: 1\ndata: connected\n\n");
      streams.add(answer);
      answer.on("close", () => streams.delete(answer));
      return;
    }
    const passed = request(new URL(asked.url ?? "/", target), { method: asked.method, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = (): void => {
    clearInterval(timer);
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

test("a page answers while a thousand events a second come in", async ({ page, upnext }, { annotations }) => {
  test.setTimeout(90_000);
  const flood = await withFlood(upnext.url);
  const help = page.getByRole("dialog", { name: "Keyboard" });
  try {
    for (const path of ["/jobs", "/activity", "/"]) {
      await page.goto(`${flood.url}${path}`);
      await expect(page.getByText("live", { exact: true }).first()).toBeVisible();
      // Once before, so that its code is there.
      await page.keyboard.press("?");
      await expect(help).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(help).toBeHidden();
      const busy = page.evaluate(async (ms) => {
        let total = 0;
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) total += duration;
        }).observe({ type: "longtask" });
        await new Promise((resolve) => setTimeout(resolve, ms));
        return total;
      }, FLOOD_MS);
      // Meanwhile a key is answered.
      const asked = Date.now();
      await page.keyboard.press("?");
      await expect(help).toBeVisible();
      const answered = Date.now() - asked;
      await page.keyboard.press("Escape");
      const total = await busy;
      annotations.push({ type: "long tasks", description: `${path}: ${Math.round(total)} of ${FLOOD_MS} ms; a key answered after ${answered} ms` });
      expect(total, `long tasks on ${path}`).toBeLessThan(MOST_BUSY_MS);
      expect(answered, `a key on ${path}`).toBeLessThan(LONGEST_ANSWER_MS);
    }
    await page.goto(`${flood.url}/activity`);
    // What came is there, not only survived.
    const counted = async (): Promise<number> => Number(((await page.locator(".page-note").textContent()) ?? "").replaceAll(/\D/g, ""));
    await expect.poll(counted, { timeout: 20_000 }).toBeGreaterThan(EVENTS_PER_SECOND);
  } finally {
    flood.stop();
  }
});
