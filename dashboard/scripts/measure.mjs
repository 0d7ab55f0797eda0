// Measures pages of a running server as somebody sees them: when something useful is there, and what keeps the page from
// answering while events pour in.
//   node scripts/measure.mjs URL [SECONDS]
// With SECONDS it watches each page so long, and tells how many events came and the long tasks (above 50 ms) meanwhile: run
// scripts/flood.py beside it.
import { startBrowser, SIZES } from "./browser.mjs";

const [url, seconds = "0"] = process.argv.slice(2);
if (url === undefined) throw new Error("Usage: node scripts/measure.mjs URL [SECONDS]");

/** Each page, and what is useful in it. */
const PAGES = { "/": ".figure-value", "/jobs": "tr[data-job]", "/jobs?view=timeline": ".timeline a", "/artifacts": ".artifact-table tbody .row-target", "/artifacts?layout=gallery": ".tile", "/activity": "h1" };
const LOADS = 5;

const middle = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const rounded = (ms) => `${Math.round(ms)} ms`;

async function useful(browser, path, selector) {
  const page = await browser.newPage({ viewport: SIZES.wide });
  await page.goto(new URL(path, url).href, { waitUntil: "commit" });
  const there = await page.waitForFunction((wanted) => document.querySelector(wanted) !== null && performance.now(), selector, { timeout: 60_000 }).then(
    (handle) => handle.jsonValue(),
    () => NaN,
  );
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN);
  await page.close();
  return { paint, there };
}

async function watch(browser, path) {
  const page = await browser.newPage({ viewport: SIZES.wide });
  await page.goto(new URL(path, url).href);
  await page.waitForTimeout(1_000);
  const result = await page.evaluate(async (ms) => {
    const tasks = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
    observer.observe({ type: "longtask" });
    let frames = 0;
    let longest = 0;
    let last = performance.now();
    const began = last;
    const response = await fetch(new URL("api/v1/events/stream", document.baseURI));
    const reader = response.body.getReader();
    let events = 0;
    void (async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        for (let at = 0; at < part.value.length - 5; at += 1) if (part.value[at] === 10 && part.value[at + 1] === 100 && part.value[at + 2] === 97 && part.value[at + 3] === 116 && part.value[at + 4] === 97) events += 1;
      }
    })().catch(() => undefined);
    while (last - began < ms) {
      const now = await new Promise(requestAnimationFrame);
      frames += 1;
      longest = Math.max(longest, now - last);
      last = Math.max(last, now);
    }
    await reader.cancel();
    return { events: events / (ms / 1000), total: tasks.reduce((sum, one) => sum + one, 0), count: tasks.length, frames: frames / (ms / 1000), longest };
  }, Number(seconds) * 1_000);
  await page.close();
  return result;
}

const browser = await startBrowser();
for (const [path, selector] of Object.entries(PAGES)) {
  if (Number(seconds) > 0) {
    const { events, total, count, frames, longest } = await watch(browser, path);
    console.log(`${path}: ${Math.round(events)} events/s, ${count} long tasks of ${rounded(total)} in ${seconds} s, ${Math.round(frames)} frames/s, longest gap ${rounded(longest)}`);
    continue;
  }
  const loads = [];
  for (let load = 0; load < LOADS; load += 1) loads.push(await useful(browser, path, selector));
  console.log(`${path}: first paint ${rounded(middle(loads.map(({ paint }) => paint)))}, useful after ${rounded(middle(loads.map(({ there }) => there)))} (middle of ${LOADS} loads, each with an empty cache)`);
}
await browser.close();
