// The dashboard in a real browser, against the real server, with a job that a real worker ran.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Locator, Page } from "@playwright/test";

import { expect, test } from "./fixtures";

async function download(page: Page, link: Locator): Promise<{ name: string; bytes: Buffer }> {
  const started = page.waitForEvent("download");
  await link.click();
  const file = await started;
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

async function openArtifact(page: Page, name: string): Promise<Locator> {
  await page.goto("/artifacts");
  await page.getByRole("link", { name, exact: true }).click();
  const pane = page.getByRole("complementary", { name: "Artifact preview" });
  await expect(pane.getByRole("heading", { name })).toBeVisible();
  return pane;
}

function naturalWidth(image: Locator): Promise<number> {
  return image.evaluate((element) => (element instanceof HTMLImageElement ? element.naturalWidth : 0));
}

test("the root is the overview, and leads to the jobs", async ({ page, upnext }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Running now" }).getByRole("link", { name: "wait_for_file" })).toBeVisible();
  await expect(page.getByRole("article", { name: "nested.json" })).toBeVisible();
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  const row = page.getByRole("row").filter({ hasText: "generate_report" });
  await expect(row.getByText("complete").filter({ visible: true })).toHaveCount(1);
  await row.getByRole("link", { name: "generate_report" }).click();
  await expect(page).toHaveURL(`${upnext.url}/jobs/${upnext.seed.jobId}`);
});

test("filters live in the address", async ({ page }) => {
  await page.goto("/jobs?status=pending");
  await expect(page.getByText("No job matches")).toBeVisible();
  await page.getByRole("button", { name: "complete" }).click();
  await expect(page).toHaveURL(/status=pending&status=complete/);
  await expect(page.getByRole("link", { name: "generate_report" })).toBeVisible();
});

test("a job shows arguments, result and its artifacts with previews", async ({ page, upnext }) => {
  // A deep link: the server answers it with the shell.
  await page.goto(`/jobs/${upnext.seed.jobId}`);
  await expect(page.getByRole("heading", { level: 1, name: "generate_report" })).toBeVisible();
  await expect(page.getByRole("group", { name: "Arguments", exact: true })).toContainText('report_type: "monthly"');
  await expect(page.getByRole("group", { name: "Result", exact: true })).toContainText("rows: 42");
  await expect(page.getByRole("article", { name: "report.json" })).toContainText('"customer": "Åse & Sønner"');
  await expect(page.getByRole("article", { name: "log.txt" })).toContainText("3 warnings. <b>not bold</b>");
  const image = page.getByRole("article", { name: "chart.png" }).getByRole("img");
  await image.scrollIntoViewIfNeeded();
  await expect.poll(() => naturalWidth(image)).toBe(upnext.seed.pngWidth);
});

test("the artifacts page lists every artifact, and finds one by words and by type", async ({ page }) => {
  await page.goto("/artifacts");
  for (const name of ["report.json", "log.txt", "chart.png"]) {
    await expect(page.getByRole("link", { name, exact: true })).toBeVisible();
  }
  await page.getByRole("searchbox", { name: "Search artifacts" }).fill("log");
  await expect(page.getByRole("link", { name: "report.json", exact: true })).toBeHidden();
  await expect(page).toHaveURL(/q=log/);
  await page.getByRole("searchbox", { name: "Search artifacts" }).fill("");
  await page.getByRole("combobox", { name: "Type" }).selectOption("image/png");
  await expect(page.getByRole("link", { name: "log.txt", exact: true })).toBeHidden();
  await expect(page.getByRole("link", { name: "chart.png", exact: true })).toBeVisible();
});

test("JSON is shown indented, with its digest, and downloads as it was stored", async ({ page, upnext }) => {
  const pane = await openArtifact(page, "report.json");
  await expect(pane.getByRole("group", { name: "Content of report.json" })).toContainText('"rows": 42');
  const { name, bytes } = await download(page, pane.getByRole("link", { name: "Download report.json" }));
  expect(name).toBe("report.json");
  expect(JSON.parse(bytes.toString("utf8"))).toEqual(upnext.seed.report);
  await pane.getByRole("tab", { name: "Details" }).click();
  await expect(pane.getByText(createHash("sha256").update(bytes).digest("hex"))).toBeVisible();
});

test("text is shown as text, and downloads byte for byte", async ({ page, upnext }) => {
  const pane = await openArtifact(page, "log.txt");
  await expect(pane.getByRole("group", { name: "Content of log.txt" })).toHaveText(upnext.seed.log);
  const { bytes } = await download(page, pane.getByRole("link", { name: "Download log.txt" }));
  expect(bytes.toString("utf8")).toBe(upnext.seed.log);
});

test("an image is shown, and downloads byte for byte", async ({ page, upnext }) => {
  const pane = await openArtifact(page, "chart.png");
  await expect.poll(() => naturalWidth(pane.getByRole("img", { name: "chart.png" }))).toBe(upnext.seed.pngWidth);
  const { name, bytes } = await download(page, pane.getByRole("link", { name: "Download chart.png" }));
  expect(name).toBe("chart.png");
  expect(bytes.toString("base64")).toBe(upnext.seed.pngBase64);
});

test("a phone shows the same without scrolling sideways", async ({ page, upnext }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const job = `/jobs/${upnext.seed.treeId}`;
  const parts = ["logs", "tree", "lineage"].map((part) => `${job}?part=${part}`);
  for (const path of ["/", "/jobs", "/jobs?view=timeline", job, ...parts, `/jobs/${upnext.seed.failedId}`, "/artifacts", "/artifacts?layout=gallery", "/functions", "/functions/generate_report", "/workers", "/activity", "/settings"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(beyond).toBeLessThanOrEqual(0);
  }
});
