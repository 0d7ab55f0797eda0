// Previews of the kinds that artifacts.spec.ts leaves out: code, PDF, sound, moving pictures, JSON trees, zoom.
import type { Locator, Page } from "@playwright/test";

import { expect, test } from "./fixtures";

async function open(page: Page, id: string | undefined): Promise<Locator> {
  await page.goto(`/artifacts?selected=${id ?? "missing"}`);
  const pane = page.getByRole("complementary", { name: "Artifact preview" });
  await expect(pane.getByRole("tablist")).toBeVisible();
  return pane;
}

test("XML is coloured, and stays text", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["prices.xml"]);
  const code = pane.getByRole("group", { name: "Content of prices.xml" });
  await expect(code).toContainText('<price sku="mocha">4.10</price>');
  await expect(code.locator("span").first()).toBeVisible();
});

test("a PDF is shown by the browser's own viewer, or the page says that there is none", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["page.pdf"]);
  if (await page.evaluate(() => navigator.pdfViewerEnabled)) {
    await expect(pane.locator('iframe[title="Content of page.pdf"]')).toBeVisible();
  } else {
    await expect(pane.getByText("This browser has no PDF viewer.")).toBeVisible();
  }
});

test("a sound can be played", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["chime.wav"]);
  const duration = () => pane.locator("audio").evaluate((audio: HTMLAudioElement) => audio.duration);
  await expect.poll(duration).toBeCloseTo(0.1, 2);
});

test("moving pictures can be played, and be jumped in", async ({ page, upnext }) => {
  await page.goto("/");
  // The browser records a clip, since no file of the repository is one.
  const clip = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [64, 48];
    const context = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: "video/webm" });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    for (let frame = 0; frame < 12; frame += 1) {
      context?.fillRect(frame * 4, 0, 4, 48);
      await new Promise(requestAnimationFrame);
    }
    await new Promise((resolve) => {
      recorder.onstop = resolve;
      recorder.stop();
    });
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
  });
  const answer = await page.request.post(`/api/v1/jobs/${upnext.seed.jobId}/artifacts?name=clip.webm&type=video/webm`, {
    headers: { "content-type": "video/webm" },
    data: Buffer.from(clip),
  });
  expect(answer.ok()).toBe(true);
  const pane = await open(page, ((await answer.json()) as { id: string }).id);
  await expect.poll(() => pane.locator("video").evaluate((video: HTMLVideoElement) => video.videoWidth)).toBe(64);
});

test("a JSON tree is searched, and gives the path of a value", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["nested.json"]);
  await pane.getByRole("button", { name: "Tree" }).click();
  await pane.getByRole("searchbox").fill("sku-7");
  await expect(pane.getByText("1 found")).toBeVisible();
  await pane.getByText('"sku-7"').click();
  await expect(pane.locator(".json-path code")).toHaveText("$.rows[7].sku");
});

test("an image is fitted, and zoomed by button and by key", async ({ page, upnext }) => {
  const pane = await open(page, upnext.seed.ids["curve.png"]);
  const width = () => pane.getByRole("img", { name: "curve.png" }).evaluate((image) => image.getBoundingClientRect().width);
  await pane.getByRole("button", { name: "100 %" }).click();
  await expect.poll(width).toBe(upnext.seed.pngWidth);
  await pane.getByRole("group", { name: /^Image curve\.png/ }).press("+");
  await expect.poll(width).toBe(2 * upnext.seed.pngWidth);
  await page.keyboard.press("0");
  await expect(pane.getByRole("button", { name: "Fit" })).toHaveAttribute("aria-pressed", "true");
});

test("a job's own tab lists its artifacts, with the pane beside them", async ({ page, upnext }) => {
  await page.goto(`/jobs/${upnext.seed.jobId}`);
  await page.getByRole("tab", { name: /^Artifacts \d+/ }).click();
  await expect(page).toHaveURL(/part=artifacts/);
  await page.getByRole("link", { name: "report.json", exact: true }).click();
  const pane = page.getByRole("complementary", { name: "Artifact preview" });
  await expect(pane.getByRole("group", { name: "Content of report.json" })).toContainText('"rows": 42');
  await expect(page).toHaveURL(new RegExp(`/jobs/${upnext.seed.jobId}\\?.*selected=`));
  await page.reload();
  await expect(pane.getByRole("heading", { name: "report.json" })).toBeVisible();
  await pane.getByRole("tab", { name: "Details" }).click();
  await expect(page).toHaveURL(/tab=details/);
  await page.keyboard.press("Escape");
  await expect(pane).toBeHidden();
  await page.getByRole("button", { name: "Gallery" }).click();
  await expect(page.getByRole("article", { name: "chart.png" })).toBeVisible();
});
