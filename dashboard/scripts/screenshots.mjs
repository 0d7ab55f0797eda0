// Takes the pictures of the documentation: every page of a running server, at three widths, in light and in dark.
//   node scripts/screenshots.mjs URL FOLDER [PATH...]
// CHROMIUM_PATH is the browser, /usr/bin/chromium unless set.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const [url, folder, ...only] = process.argv.slice(2);
if (url === undefined || folder === undefined) throw new Error("Usage: node scripts/screenshots.mjs URL FOLDER [PATH...]");

const SIZES = { wide: { width: 1440, height: 900 }, middle: { width: 1024, height: 768 }, phone: { width: 390, height: 844 } };

/** The newest of something, to have a page of it. */
async function newest(path, key) {
  const response = await fetch(new URL(path, url));
  return (await response.json())[key]?.[0];
}

async function pages() {
  if (only.length > 0) return Object.fromEntries(only.map((path) => [path.replaceAll(/\W+/g, "-").replaceAll(/^-|-$/g, ""), path]));
  const tree = await newest("api/v1/jobs?function=send_invoices&limit=1", "jobs");
  const trained = await newest("api/v1/jobs?function=train_model&limit=1", "jobs");
  const failed = await newest("api/v1/jobs?status=failed&limit=1", "jobs");
  const running = await newest("api/v1/jobs?status=active&function=wait_for_file&limit=1", "jobs");
  const artifact = await newest("api/v1/artifacts?name=metrics.json&limit=1", "artifacts");
  return {
    overview: "/",
    jobs: "/jobs",
    "jobs-timeline": "/jobs?view=timeline",
    ...(tree && { job: `/jobs/${tree.id}`, "job-tree": `/jobs/${tree.id}?part=tree` }),
    ...(trained && { "job-lineage": `/jobs/${trained.id}?part=lineage` }),
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

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
});
const named = await pages();
const sizes = Object.entries(SIZES).filter(([name]) => process.env.SIZE === undefined || process.env.SIZE === name);
const schemes = ["light", "dark"].filter((name) => process.env.SCHEME === undefined || process.env.SCHEME === name);
for (const colorScheme of schemes) {
  for (const [size, viewport] of sizes) {
    const page = await browser.newPage({ viewport, colorScheme, reducedMotion: "reduce" });
    page.on("console", (message) => message.type() === "error" && console.error(`${page.url()}: ${message.text()}`));
    page.on("pageerror", (error) => console.error(`${page.url()}: ${error.message}`));
    for (const [name, path] of Object.entries(named)) {
      await page.goto(new URL(path, url).href);
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      // The stream of events keeps the network busy: what counts is that nothing is loading any more.
      await page.waitForFunction(() => document.querySelector('[aria-label="Loading"]') === null, undefined, { timeout: 5_000 }).catch(() => undefined);
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
    }
    await page.close();
  }
}
await browser.close();
console.log(`${Object.keys(named).length * sizes.length * schemes.length} pictures in ${folder}`);
