// A browser and the pages of a running server, for whoever takes pictures of them.
import { chromium } from "@playwright/test";

export const SIZES = { wide: { width: 1440, height: 900 }, middle: { width: 1024, height: 768 }, phone: { width: 390, height: 844 } };

export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
  });
}

/** Artifacts of the showcase whose previews differ. */
const PREVIEWS = ["sales.csv", "summary.json", "report.md", "report.html", "revenue.svg", "attention.png", "training.log", "prices.xml", "model.bin", "invoices.zip", "order-chime.wav", "orders.log"];

/** Every page by name, with the newest of each thing that has a page. */
export async function pagesOf(url) {
  const listOf = async (path, key) => {
    const response = await fetch(new URL(path, url));
    return (await response.json())[key] ?? [];
  };
  const job = async (filter) => (await listOf(`api/v1/jobs?limit=1&${filter}`, "jobs"))[0];
  const artifact = async (name) => (await listOf(`api/v1/artifacts?limit=2&q=${encodeURIComponent(name)}`, "artifacts")).find((one) => one.name === name);
  const tree = await job("function=send_invoices");
  const trained = (await job("function=train_model&text=%22run%22%3A2")) ?? (await job("function=train_model"));
  const failed = await job("status=failed&function=import_prices");
  const running = await job("status=active&function=resize_images");
  const table = await artifact("sales.csv");
  const [api] = await listOf("api/v1/apis", "apis");
  const previews = (await Promise.all(PREVIEWS.map(artifact))).filter((one) => one !== undefined);
  const metrics = await listOf("api/v1/artifacts?q=metrics.json&limit=2", "artifacts");
  const pictures = await listOf("api/v1/artifacts?q=attention.png&limit=2", "artifacts");
  const comparing = ([one, other]) => `/artifacts?selected=${one.id}&tab=versions&compare=${other.id}`;
  return {
    overview: "/",
    jobs: "/jobs",
    "jobs-search": "/jobs?text=coffee",
    "jobs-timeline": "/jobs?view=timeline",
    ...(tree && { job: `/jobs/${tree.id}`, "job-tree": `/jobs/${tree.id}?part=tree` }),
    ...(trained && {
      "job-summary": `/jobs/${trained.id}`,
      "job-artifacts": `/jobs/${trained.id}?part=artifacts`,
      "job-lineage": `/jobs/${trained.id}?part=lineage`,
    }),
    ...(failed && { "job-failed": `/jobs/${failed.id}` }),
    ...(running && { "job-logs": `/jobs/${running.id}?part=logs` }),
    artifacts: "/artifacts",
    "artifacts-gallery": "/artifacts?layout=gallery",
    ...(table && { artifact: `/artifacts?selected=${table.id}`, "artifact-gallery": `/artifacts?layout=gallery&selected=${table.id}` }),
    ...Object.fromEntries(previews.map(({ id, name }) => [`preview-${name.replaceAll(/\W+/g, "-")}`, `/artifacts?selected=${id}`])),
    ...(table && { "artifact-details": `/artifacts?selected=${table.id}&tab=details`, "artifact-versions": `/artifacts?selected=${table.id}&tab=versions` }),
    ...(metrics[0] && { "artifact-lineage": `/artifacts?selected=${metrics[0].id}&tab=lineage` }),
    ...(metrics.length > 1 && { "compare-values": comparing(metrics) }),
    ...(pictures.length > 1 && { "compare-pictures": comparing(pictures) }),
    functions: "/functions",
    ...(tree && { function: `/functions/send_email`, "function-run": `/functions/monthly_report?run=now` }),
    "function-cron": "/functions/clean_up",
    workers: "/workers",
    apis: "/apis",
    ...(api && { api: `/apis/${api.name}` }),
    activity: "/activity",
    settings: "/settings",
    "no-match": "/jobs?text=zeppelin&status=failed",
    "no-job": "/jobs/00000000-0000-7000-8000-000000000000",
    nowhere: "/nowhere",
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
  // Without a scroll bar its room is a stripe.
  await page.evaluate(() => document.documentElement.style.setProperty("scrollbar-gutter", "auto"));
  // Charts and rows are measured and drawn once more.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  return page.screenshot();
}
