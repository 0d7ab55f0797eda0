// The pages in a real browser: live jobs, logs, trees, bulk changes, the palette, and a server that goes away.
import type { Page } from "@playwright/test";

import { expect, test } from "./fixtures";

async function submit(page: Page, body: object): Promise<string> {
  const response = await page.request.post("/api/v1/jobs", { data: body });
  expect(response.ok()).toBe(true);
  return ((await response.json()) as { job_id: string }).job_id;
}

test("a job that fails shows its attempts, its traceback as frames, and its log", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.failedId}`);
  const traceback = page.getByRole("group", { name: "Traceback", exact: true });
  await expect(traceback).toContainText("read_rows");
  await expect(traceback).toContainText('raise ValueError(f"{path} holds no rows")');
  await expect(page.locator(".attempts > li")).toHaveCount(3);
  await page.getByRole("tab", { name: "Logs" }).click();
  await expect(page).toHaveURL(/part=logs/);
  await expect(page.getByRole("log").getByText("cannot read rows.csv")).toHaveCount(3);
});

test("a failed job can be queued again, and cannot while it is not failed", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.failedId}`);
  await page.getByRole("button", { name: "Retry" }).click();
  // It fails again, after three more attempts.
  await expect(page.locator(".attempts > li")).toHaveCount(6);
  await page.goto(`/jobs/${upnext.seed.treeId}`);
  await expect(page.getByRole("heading", { level: 1, name: "send_invoices" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Retry" })).toHaveCount(0);
});

test("a running job's progress and log move by themselves; the log is searched", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.runningId}?part=logs`);
  const log = page.getByRole("log");
  const count = page.getByText(/^[\d,]+ lines?$/);
  await expect(count).toBeVisible();
  const lines = async (): Promise<number> => Number(((await count.textContent()) ?? "").replaceAll(/\D/g, ""));
  const before = await lines();
  await expect.poll(lines).toBeGreaterThan(before + 5);
  const atEnd = (): Promise<boolean> => log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 30);
  await expect.poll(atEnd).toBe(true);
  await page.getByRole("searchbox", { name: "Search the log" }).fill("turn 3");
  await expect(log.locator("mark").first()).toHaveText("turn 3");
  await expect(page.getByText(/lines? of/)).toBeVisible();
});

test("a tree is drawn as a graph and over time", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.treeId}?part=tree`);
  const graph = page.getByRole("group", { name: "Tree of jobs" });
  await expect(graph.getByRole("link")).toHaveCount(7);
  await page.getByRole("button", { name: "Timeline" }).click();
  const timeline = page.getByRole("group", { name: "Jobs of the tree over time", exact: true });
  await expect(timeline.getByRole("link", { name: "render_invoice" })).toHaveCount(3);
  const length = timeline.locator(".timeline-length");
  const whole = await length.textContent();
  await timeline.getByRole("button", { name: "Closer" }).click();
  await expect(length).not.toHaveText(whole ?? "");
  await page.keyboard.press("0");
  await expect(length).toHaveText(whole ?? "");
});

test("results are trees that can be unfolded", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.treeId}`);
  const result = page.getByRole("group", { name: "Result", exact: true });
  await expect(result).toContainText("customers");
  await result.getByText("deep").click();
  await expect(result).toContainText("answer: 42");
});

test("the lineage of a job leads to the jobs that read what it made", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.trainId}?part=lineage`);
  await page.getByRole("link", { name: "publish" }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: "publish" })).toBeVisible();
  await expect(page.getByRole("link", { name: "metrics.json" })).toBeVisible();
});

test("a file that is added becomes an artifact of the job", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.treeId}`);
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Add files…" }).click();
  await (await choosing).setFiles({ name: "added by hand.txt", mimeType: "text/plain", buffer: Buffer.from("put here") });
  await expect(page.getByRole("article", { name: "added by hand.txt" })).toContainText("put here");
});

test("jobs over time show children under their parents", async ({ page }) => {
  await page.goto("/jobs?view=timeline&function=send_invoices");
  await expect(page.getByRole("group", { name: "Jobs over time", exact: true }).getByRole("link", { name: "send_invoices" })).toBeVisible();
  await page.getByRole("button", { name: "Table" }).click();
  await expect(page).toHaveURL(/\/jobs\?function=send_invoices$/);
});

test("many jobs are selected and changed at once; those that cannot be are told", async ({ page }) => {
  await page.goto("/jobs?status=failed");
  await page.getByRole("checkbox", { name: "Select all jobs that are shown" }).check();
  await page.getByRole("button", { name: /^Retry 1/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
  await expect(page.getByText("1 job queued again.")).toBeVisible();
});

test("the list shows new jobs at its top, and only counts them further down", async ({ page }) => {
  for (let n = 0; n < 60; n += 1) await submit(page, { function: "render_invoice", kwargs: { customer: `c${n}`, total: n } });
  await page.goto("/jobs");
  await expect(page.getByRole("row").nth(20)).toBeVisible();
  await page.evaluate(() => {
    window.scrollTo(0, 600);
  });
  const seen = await page.getByRole("row").nth(25).getAttribute("data-job");
  await submit(page, { function: "render_invoice", kwargs: { customer: "new", total: 1 } });
  await page.getByRole("button", { name: /^Show 1 new/ }).click();
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(0);
  expect(seen).not.toBeNull();
});

test("a function is paused and resumed, and run with a form", async ({ page }) => {
  await page.goto("/functions");
  await page.getByRole("link", { name: "generate_report" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("paused", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByText("paused", { exact: true })).toBeHidden();
  await page.getByRole("button", { name: "Run now…" }).click();
  const dialog = page.getByRole("dialog", { name: "Run generate_report" });
  await expect(dialog.getByRole("textbox", { name: /report_type/ })).toBeVisible();
  await dialog.getByRole("textbox", { name: /report_type/ }).fill("weekly");
  await dialog.getByRole("button", { name: "Run" }).click();
  await expect(page.getByRole("group", { name: "Arguments", exact: true })).toContainText('report_type: "weekly"');
});

test("workers show their slots and what runs in them", async ({ page }) => {
  await page.goto("/workers");
  const worker = page.getByRole("region", { name: "demo" });
  await expect(worker.getByRole("link", { name: "wait_for_file" }).first()).toBeVisible();
  await expect(worker.getByRole("img", { name: /of 8 slots busy/ })).toBeVisible();
});

test("the activity page tells what happens, and holds still when asked", async ({ page, upnext }) => {
  await page.goto("/activity");
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await page.request.post(`/api/v1/jobs/${upnext.seed.failedId}/retry`);
  const list = page.getByRole("group", { name: "Events, newest first" });
  await expect(list.getByText("failed", { exact: true }).first()).toBeVisible();
  await page.getByRole("button", { name: "Hold still" }).click();
  await expect(page.getByRole("button", { name: /^Go on/ })).toBeVisible();
});

test("the palette finds things, and keys lead to pages", async ({ page, upnext }) => {
  await page.goto("/settings");
  await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
  await page.keyboard.press("Control+k");
  const box = page.getByRole("combobox", { name: /Find a page/ });
  await box.fill("curve");
  await expect(page.getByRole("option", { name: /curve\.png/ }).first()).toBeVisible();
  await box.fill(upnext.seed.jobId);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`${upnext.url}/jobs/${upnext.seed.jobId}`);
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await expect(page).toHaveURL(`${upnext.url}/artifacts`);
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Search artifacts" })).toBeFocused();
  await page.keyboard.press("Escape");
  await page.locator("main").focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("a list goes by keyboard alone", async ({ page }) => {
  await page.goto("/jobs");
  const first = page.locator("tr[data-job]").first().getByRole("link");
  await first.focus();
  await page.keyboard.press("j");
  await expect(page.locator("tr[data-job]").nth(1).getByRole("link")).toBeFocused();
  await page.keyboard.press("x");
  await expect(page.getByText("1 job selected")).toBeVisible();
});

test("the gallery shows artifacts as tiles, and keeps the pane", async ({ page }) => {
  await page.goto("/artifacts?layout=gallery&q=curve");
  await page.getByRole("article", { name: "curve.png" }).first().getByRole("link").click();
  await expect(page.getByRole("complementary", { name: "Artifact preview" })).toBeVisible();
  await expect(page).toHaveURL(/layout=gallery/);
});

test("a table is put in order and summed up", async ({ page, upnext }) => {
  await page.goto(`/artifacts?selected=${upnext.seed.ids["people.csv"] ?? ""}`);
  const table = page.getByRole("group", { name: "Content of people.csv" });
  await table.getByRole("button", { name: /score/ }).click();
  await table.getByRole("button", { name: /score/ }).click();
  await expect(table.getByRole("row").nth(1)).toContainText("Ola");
  await page.getByRole("button", { name: "Summary" }).click();
  await expect(table).toContainText("mean 3");
});

test("a stream that breaks off is taken up where it stopped", async ({ page }) => {
  const asked: (string | undefined)[] = [];
  // The first stream ends after its first words; from then on it is the server's own.
  await page.route("**/events/stream", async (route) => {
    asked.push(route.request().headers()["last-event-id"]);
    if (asked.length > 1) await route.continue();
    else await route.fulfill({ contentType: "text/event-stream", body: "event: open\nid: 1\ndata: connected\n\n" });
  });
  await page.goto("/activity");
  const list = page.getByRole("group", { name: "Events, newest first" });
  await expect(list.getByRole("link", { name: "generate_report" }).first()).toBeVisible();
  await expect.poll(() => asked.slice(0, 2)).toEqual([undefined, "1"]);
});

test.describe("a server that is away", () => {
  test.use({ allowedErrors: /ERR_|Failed to load/ });

  test("is told, and the page goes on by itself when it is back", async ({ page, context }) => {
    await page.goto("/jobs");
    await expect(page.getByRole("row").nth(2)).toBeVisible();
    await context.setOffline(true);
    await expect(page.getByText("The UpNext server does not answer.")).toBeVisible({ timeout: 15_000 });
    await expect(page.getByRole("row").nth(2)).toBeVisible();
    await context.setOffline(false);
    await expect(page.getByText("The UpNext server does not answer.")).toBeHidden({ timeout: 15_000 });
  });
});

test("a running job is cancelled after a question", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.runningId}`);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Let it run" }).click();
  await expect(page.locator("h1 + .status")).toHaveText("active");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the job" }).click();
  await expect(page.locator("h1 + .status")).toHaveText("cancelled");
});
