// The dashboard under a path of its own, behind a real proxy that takes the path off, and behind one that leaves it on.
import type { Page } from "@playwright/test";

import { expect, test as base } from "./fixtures";
import { startProxy, type Proxy } from "./proxy";
import { startServer, type Seed } from "./server";

const PATH = "/ops/upnext";

interface Shown {
  shown: { server: string; seed: Seed };
}

const test = base.extend<object, Shown>({
  shown: [
    // eslint-disable-next-line no-empty-pattern -- Playwright insists on a destructured first parameter
    async ({}, use) => {
      const server = await startServer({ UPNEXT_ROOT_PATH: PATH });
      try {
        await use({ server: server.url, seed: server.seed() });
      } finally {
        await server.stop();
      }
    },
    { scope: "worker", timeout: 120_000 },
  ],
  // These tests bring their own server.
  upnext: [
    async ({ shown }, use) => {
      await use({ url: shown.server, seed: shown.seed });
    },
    { scope: "worker" },
  ],
});

async function walkAround(page: Page, proxy: Proxy, seed: Seed): Promise<void> {
  const api = new URL("api/v1/", proxy.url).href;
  await page.goto(proxy.url);
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  // Everything moves by itself: the feed and the snapshots come through.
  await expect(page.getByText("live", { exact: true }).first()).toBeVisible();
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await expect(page).toHaveURL(`${proxy.url}jobs`);
  await page.reload();
  await expect(page.getByRole("link", { name: "import_rows" }).first()).toBeVisible();
  const made = await page.request.post(`${api}jobs`, { data: { function: "generate_report", kwargs: { report_type: "proxy" } } });
  expect(made.ok()).toBe(true);
  await expect(page.getByRole("link", { name: "generate_report" }).first()).toBeVisible();

  await page.goto(`${proxy.url}artifacts?selected=${seed.ids["curve.png"] ?? ""}`);
  const image = page.getByRole("img", { name: "curve.png" });
  await expect(image).toBeVisible();
  expect(await image.evaluate((element) => (element as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).first().click();
  expect((await download).url()).toContain(`${PATH}/api/v1/artifacts/`);

  const begun = await page.request.post(`${api}jobs/${seed.jobId}/uploads`, {
    headers: { "tus-resumable": "1.0.0", "upload-length": "5", "upload-metadata": "name YS50eHQ=" },
  });
  const location = begun.headers()["location"] ?? "";
  expect(location).toMatch(new RegExp(`^${PATH}/api/v1/uploads/`));
  const piece = await page.request.patch(new URL(location, proxy.url).href, {
    headers: { "tus-resumable": "1.0.0", "upload-offset": "0", "content-type": "application/offset+octet-stream" },
    data: Buffer.from("hello"),
  });
  expect(piece.status()).toBe(204);

  await page.goto(`${proxy.url}docs`);
  await expect(page).toHaveURL(/\/ops\/upnext\/docs\/?/);
  await expect(page.getByText("/api/v1/jobs", { exact: true }).first()).toBeVisible();
  expect(proxy.strays.filter((path) => path !== "/favicon.ico")).toEqual([]);
}

for (const [words, strips] of [
  ["takes the path off", true],
  ["leaves the path on", false],
] as const) {
  test(`everything works behind a proxy that ${words}`, async ({ page, shown }) => {
    const proxy = await startProxy(shown.server, PATH, strips);
    try {
      await walkAround(page, proxy, shown.seed);
    } finally {
      await page.goto("about:blank");
      await proxy.stop();
    }
  });
}
