// What lasts longer than a page: the key, the colours, and a server that crashes and comes back.
import type { Page } from "@playwright/test";

import { expect, test as base } from "./fixtures";
import { startServer, type RunningServer } from "./server";

const KEY = "a-key-of-32-characters-for-a-test";

interface Own {
  own: RunningServer;
}

const test = base.extend<object, Own>({
  own: [
    // eslint-disable-next-line no-empty-pattern -- Playwright insists on a destructured first parameter
    async ({}, use) => {
      const server = await startServer({ UPNEXT_AUTH_ENABLED: "true", UPNEXT_API_KEY: KEY });
      try {
        await use(server);
      } finally {
        await server.stop();
      }
    },
    { scope: "worker", timeout: 60_000 },
  ],
});

// A refused call is on the browser's console, and so is one that nobody answers.
test.use({ allowedErrors: /401|ERR_|Failed to load/ });

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Key").fill(KEY);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a server with a key asks for it, refuses a wrong one, keeps the right one, and forgets it", async ({ page, own }) => {
  await page.goto(`${own.url}/jobs`);
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await page.getByLabel("Key").fill("not the key");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("Not signed in")).toBeVisible();
  await page.getByLabel("Key").fill(KEY);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  await expect(page.getByText("upnext run tasks.py")).toBeVisible();
  await page.goto(`${own.url}/settings`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
});

test("empty pages say what to do next", async ({ page, own }) => {
  await signIn(page, `${own.url}/`);
  for (const [path, words] of [
    ["/", "upnext run tasks.py"],
    ["/artifacts", "upnext.create_artifact"],
    ["/functions", "upnext run tasks.py"],
    ["/workers", "upnext run"],
    ["/apis", "upnext.Api"],
    ["/activity", "Waiting for something to happen"],
  ] as const) {
    await page.goto(`${own.url}${path}`);
    await expect(page.getByText(words).first()).toBeVisible();
  }
});

test("after a crash the page says so, and takes the stream up where it stopped", async ({ page, own }) => {
  test.setTimeout(120_000);
  own.seed();
  await signIn(page, `${own.url}/activity`);
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  const headers = { authorization: `Bearer ${KEY}` };
  const cancelOne = async (): Promise<void> => {
    const answer = await page.request.post(`${own.url}/api/v1/jobs`, { data: { function: "publish", kwargs: { metrics_id: "none" }, delay: 3600 }, headers });
    expect(answer.status(), await answer.text()).toBeLessThan(300);
    const { job_id: id } = (await answer.json()) as { job_id: string };
    await page.request.post(`${own.url}/api/v1/jobs/${id}/cancel`, { headers });
  };
  const cancelled = page.locator(".activity-line").filter({ hasText: "cancelled" });
  await cancelOne();
  await expect(cancelled).toHaveCount(1);
  const resumed = page.waitForRequest((request) => request.url().endsWith("/events/stream") && request.headers()["last-event-id"] !== undefined, { timeout: 20_000 });
  await own.crash();
  await expect(page.getByText("The UpNext server does not answer.")).toBeVisible({ timeout: 15_000 });
  await own.restart();
  await cancelOne();
  await expect(page.getByText("The UpNext server does not answer.")).toBeHidden({ timeout: 15_000 });
  expect((await resumed).headers()["last-event-id"]).toMatch(/\S/);
  await expect(cancelled).toHaveCount(2, { timeout: 15_000 });
});

test("colours are chosen, and stay", async ({ page, own }) => {
  await signIn(page, `${own.url}/settings`);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("dark col");
  await page.keyboard.press("Enter");
  await expect.poll(ground).not.toBe(light);
  const dark = await ground();
  await page.reload();
  await expect.poll(ground).toBe(dark);
  await page.getByRole("button", { name: "Colours: dark" }).click();
  await expect.poll(ground).toBe(light);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(ground).toBe(dark);
});
