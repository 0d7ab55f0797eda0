// Artifacts in a real browser: every viewer, live texts, versions, labels, pins, deletion.
import { writeFile } from "node:fs/promises";
import type { Locator, Page } from "@playwright/test";

import { expect, test } from "./fixtures";

async function open(page: Page, id: string | undefined, tab = ""): Promise<Locator> {
  await page.goto(`/artifacts?selected=${id ?? "missing"}${tab === "" ? "" : `&tab=${tab}`}`);
  const pane = page.getByRole("complementary", { name: "Artifact preview" });
  await expect(pane.getByRole("tablist")).toBeVisible();
  return pane;
}

test("a live text grows, stays where one reads, and says when it is closed", async ({ page, upnext }) => {
  await page.goto("/artifacts?q=live");
  await page.getByRole("link", { name: "live.log", exact: true }).click();
  const pane = page.getByRole("complementary", { name: "Artifact preview" });
  const text = pane.getByRole("group", { name: "Content of live.log" });
  await expect(text).toContainText("INFO line 1");
  await expect(text.locator(".ansi-2").first()).toHaveText("INFO");
  const lines = (): Promise<number> => text.evaluate((element) => element.textContent.split("\n").length);
  // More than fits, so that there is something to scroll.
  await expect.poll(() => text.evaluate((element) => element.scrollHeight - element.clientHeight)).toBeGreaterThan(200);
  const atEnd = (): Promise<boolean> =>
    text.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 30);
  await expect.poll(atEnd).toBe(true);

  const jump = pane.getByRole("button", { name: "Jump to the end" });
  // A line that comes before the page has heard of the scrolling takes it back to the end; readers scroll again, too.
  await expect(async () => {
    await text.evaluate((element) => {
      element.scrollTop = 0;
    });
    await expect(jump).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 5000 });
  const before = await lines();
  await expect.poll(lines).toBeGreaterThan(before + 5);
  expect(await text.evaluate((element) => element.scrollTop)).toBe(0);
  await jump.click();
  await expect.poll(atEnd).toBe(true);

  await writeFile(upnext.seed.liveStop, "");
  await expect(text).toContainText("the end");
  await expect(pane.getByText("It has been closed; this is all of it.")).toBeVisible();
  await expect(pane.getByRole("heading", { name: "live.log" })).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "live.log" }).getByText("live", { exact: true }).locator(".status-dot")).toHaveCount(0);
});

test("Markdown is rendered, and nothing in it runs or loads", async ({ page, upnext }) => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const pane = await open(page, upnext.seed.ids["notes.md"]);
  const notes = pane.getByRole("group", { name: "Content of notes.md" });
  await expect(notes.getByRole("heading", { name: "Training notes" })).toBeVisible();
  await expect(notes.getByRole("cell", { name: "0.25" })).toBeVisible();
  await expect(notes).toContainText("<script>");
  expect(await page.title()).not.toBe("owned");
  expect(asked.filter((url) => url.includes("hostile="))).toEqual([]);
  await pane.getByRole("button", { name: "Source" }).click();
  await expect(pane.getByRole("group", { name: "Content of notes.md" })).toContainText("# Training notes");
});

test("a terminal's text has its colours, and markup stays text", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["console.log"]);
  const text = pane.getByRole("group", { name: "Content of console.log" });
  await expect(text).toContainText("INFO started");
  await expect(text).toContainText("ERROR <i>no</i> disk");
  await expect(text.locator(".ansi-1.ansi-bold")).toHaveText("ERROR");
});

test("tables show columns with types", async ({ page, upnext }) => {
  const names = ["people.csv", "people.parquet"].filter((name) => name in upnext.seed.ids);
  for (const name of names) {
    const pane = await open(page, upnext.seed.ids[name]);
    await expect(pane.getByRole("columnheader", { name: /^name, / })).toBeVisible();
    await expect(pane.getByRole("cell", { name: "Kari" })).toBeVisible();
    await expect(pane.getByText(/2 rows/)).toBeVisible();
  }
});

test("archives list their entries, bytes are shown in hex", async ({ page, upnext }) => {
  const archive = await open(page, upnext.seed.ids["bundle.zip"]);
  await expect(archive.getByRole("cell", { name: "data/part-1.csv" })).toBeVisible();
  const bytes = await open(page, upnext.seed.ids["weights.bin"]);
  await expect(bytes.getByRole("group", { name: "Content of weights.bin" })).toContainText("00000010");
});

test("description, tags and metadata are shown, and a tag filters", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["metrics.json"], "details");
  await expect(pane.getByText("Metrics of run 2").first()).toBeVisible();
  await expect(pane.getByRole("group", { name: "Metadata" })).toContainText("rows: 1200");
  await pane.getByRole("link", { name: "run-2", exact: true }).click();
  await expect(page).toHaveURL(/tag=run-2/);
  await expect(page.getByText("1 artifact", { exact: true })).toBeVisible();
});

test("description and tags can be changed", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["steps.txt"], "details");
  await pane.getByRole("button", { name: "Edit description and tags" }).click();
  await pane.getByRole("textbox", { name: "Description" }).fill("What was done");
  await pane.getByRole("textbox", { name: /^Tags/ }).fill("steps, checked");
  await pane.getByRole("button", { name: "Save" }).click();
  await expect(pane.getByRole("link", { name: "checked", exact: true })).toBeVisible();
  await page.reload();
  await expect(pane.getByText("What was done").first()).toBeVisible();
});

test("search looks into descriptions and metadata; filters and order live in the address", async ({ page }) => {
  await page.goto("/artifacts");
  await page.getByRole("searchbox", { name: "Search artifacts" }).fill("tiny");
  await expect(page.getByText("2 artifacts", { exact: true })).toBeVisible();
  await page.getByRole("searchbox", { name: "Search artifacts" }).fill("");
  await page.getByRole("combobox", { name: "Order" }).selectOption("Name, A to Z");
  await page.getByRole("combobox", { name: "Time" }).selectOption("Last hour");
  await page.getByRole("combobox", { name: "Size" }).selectOption("Up to 10 KB");
  await page.getByRole("combobox", { name: "Function" }).selectOption("train_model");
  await expect(page).toHaveURL(/sort=name/);
  await expect(page.getByRole("row").nth(1)).toContainText("bundle.zip");
  await page.reload();
  await expect(page.getByRole("combobox", { name: "Order" })).toHaveValue("name");
  await expect(page.getByRole("row").nth(1)).toContainText("bundle.zip");
});

test("versions over all runs are compared: values, lines, and images with a slider", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["metrics.json"], "versions");
  await expect(pane.getByText("2 versions of this name")).toBeVisible();
  await pane.getByRole("button", { name: "Compare with previous" }).click();
  const values = pane.getByRole("group", { name: "Changed values" });
  await expect(values).toContainText("loss");
  await expect(values).toContainText("0.5");
  await expect(values).toContainText("0.25");

  await open(page, upnext.seed.ids["steps.txt"], "versions");
  await pane.getByRole("button", { name: "Compare with previous" }).click();
  const lines = pane.getByRole("group", { name: "Changed lines" });
  await expect(lines).toContainText("removed: train 1");
  await expect(lines).toContainText("added: train 2");

  await open(page, upnext.seed.ids["curve.png"], "versions");
  await pane.getByRole("button", { name: "Compare with previous" }).click();
  const slider = pane.getByRole("slider");
  await slider.fill("20");
  await expect(pane.getByRole("img", { name: "Before" })).toHaveCSS("clip-path", "inset(0px 80% 0px 0px)");
});

test("the lineage leads to the jobs that made and read an artifact", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["metrics.json"], "lineage");
  await expect(pane.getByRole("link", { name: "train_model" })).toBeVisible();
  await pane.getByRole("link", { name: "publish" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "publish" })).toBeVisible();
});

test("a pin is shown in the list, and deletion asks first", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["throwaway.txt"]);
  const row = page.getByRole("row").filter({ hasText: "throwaway.txt" });
  await pane.getByRole("button", { name: "Pin", exact: true }).click();
  await expect(row.getByText("pinned")).toBeVisible();
  await pane.getByRole("button", { name: "Unpin" }).click();
  await expect(row.getByText("pinned")).toBeHidden();

  await pane.getByRole("button", { name: "Delete" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(row).toBeVisible();
  await pane.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(pane).toBeHidden();
  await expect(row).toBeHidden();
});

test("a job's artifacts come as one zip", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.jobId}`);
  const started = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download all (zip)" }).click();
  expect((await started).suggestedFilename()).toMatch(/\.zip$/);
});

test("lists show thumbnails of images", async ({ page }) => {
  await page.goto("/artifacts?q=chart");
  const thumbnail = page.locator(".thumbnail img");
  await expect.poll(() => thumbnail.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
});

test("a phone shows every tab without scrolling sideways", async ({ page, upnext }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of ["metrics.json", "people.csv", "curve.png", "notes.md"]) {
    for (const tab of ["", "details", "versions", "lineage"]) {
      await open(page, upnext.seed.ids[name], tab);
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(beyond).toBeLessThanOrEqual(0);
    }
  }
});
