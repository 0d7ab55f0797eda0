// A browser and the pages of a running server, for whoever takes pictures of them.
import { chromium } from "@playwright/test";

export const SIZES = { wide: { width: 1440, height: 900 }, middle: { width: 1024, height: 768 }, phone: { width: 390, height: 844 } };

export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
  });
}

/** Every page by name, with the newest of each thing that has a page. */
export async function pagesOf(url) {
  const newest = async (path, key) => {
    const response = await fetch(new URL(path, url));
    return (await response.json())[key]?.[0];
  };
  const job = (filter) => newest(`api/v1/jobs?limit=1&${filter}`, "jobs");
  const tree = await job("function=send_invoices");
  const trained = await job("function=train_model&text=%22run%22%3A2");
  const any = trained ?? (await job("function=train_model"));
  const failed = await job("status=failed&function=import_prices");
  const running = await job("status=active&function=resize_images");
  const artifact = await newest("api/v1/artifacts?name=sales.csv&limit=1", "artifacts");
  return {
    overview: "/",
    jobs: "/jobs",
    "jobs-search": "/jobs?text=coffee",
    "jobs-timeline": "/jobs?view=timeline",
    ...(tree && { job: `/jobs/${tree.id}`, "job-tree": `/jobs/${tree.id}?part=tree` }),
    ...(any && { "job-artifacts": `/jobs/${any.id}`, "job-lineage": `/jobs/${any.id}?part=lineage` }),
    ...(failed && { "job-failed": `/jobs/${failed.id}` }),
    ...(running && { "job-logs": `/jobs/${running.id}?part=logs` }),
    artifacts: "/artifacts",
    "artifacts-gallery": "/artifacts?layout=gallery",
    ...(artifact && { artifact: `/artifacts?selected=${artifact.id}` }),
    functions: "/functions",
    ...(tree && { function: `/functions/${tree.function}` }),
    workers: "/workers",
    activity: "/activity",
    settings: "/settings",
  };
}

/** A page of this size and scheme that says on stderr what goes wrong in it. */
export async function openPage(browser, viewport, colorScheme) {
  const page = await browser.newPage({ viewport, colorScheme, reducedMotion: "reduce" });
  page.on("console", (message) => message.type() === "error" && console.error(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => console.error(`${page.url()}: ${error.message}`));
  return page;
}

/** Goes there, and resolves to a PNG once nothing is loading any more. */
export async function pictureOf(page, address) {
  await page.goto(address);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  // The stream of events keeps the network busy, so that is no sign.
  const isLoaded = () => document.querySelector('[aria-label="Loading"], [data-waits="true"]') === null && [...document.images].every((image) => image.complete);
  await page.waitForFunction(isLoaded, undefined, { timeout: 5_000 }).catch(() => undefined);
  // Charts and rows are measured and drawn once more.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  return page.screenshot();
}
