// How long a page of any server takes to load with an empty cache, in a real browser.
//   node scripts/load.mjs ADDRESS ROUNDS
// Prints one line of JSON, the medians of all rounds: milliseconds until the largest thing was painted and until everything was
// there, and how many requests and KiB over the network that took.
import { startBrowser } from "./browser.mjs";

const [address, rounds] = process.argv.slice(2);
if (address === undefined || !(Number(rounds) > 0)) throw new Error("Usage: node scripts/load.mjs ADDRESS ROUNDS");

/** How long no request is under way when everything is there, and how long is waited for that at most. */
const QUIET_MS = 500;
const PATIENCE_MS = 60_000;

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

async function load(browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  // Streams that stay open are no sign of something missing.
  const open = new Set();
  let [requests, bytes, last] = [0, 0, 0];
  const ended = ({ requestId, timestamp, encodedDataLength = 0 }) => {
    if (open.delete(requestId)) last = timestamp;
    bytes += encodedDataLength;
  };
  let begun;
  network.on("Network.requestWillBeSent", ({ requestId, type, timestamp }) => {
    begun ??= timestamp;
    requests += 1;
    if (type !== "EventSource" && type !== "WebSocket") open.add(requestId);
  });
  network.on("Network.responseReceived", ({ requestId, response }) => response.mimeType === "text/event-stream" && open.delete(requestId));
  network.on("Network.loadingFinished", ended);
  network.on("Network.loadingFailed", ended);
  const response = await page.goto(address, { waitUntil: "load" });
  if (!response.ok()) throw new Error(`${address} answers ${response.status()}`);
  const patience = Date.now() + PATIENCE_MS;
  for (let quiet = Date.now(); Date.now() - quiet < QUIET_MS; ) {
    if (Date.now() > patience) throw new Error(`${address} is not done after ${PATIENCE_MS} ms`);
    await page.waitForTimeout(20);
    if (open.size > 0) quiet = Date.now();
  }
  const painted = await page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime)).observe({ type: "largest-contentful-paint", buffered: true });
      }),
  );
  await context.close();
  return { painted_ms: painted, done_ms: 1000 * (last - begun), requests, kib: bytes / 1024 };
}

const browser = await startBrowser();
try {
  // The first one also starts the browser's own processes.
  await load(browser);
  const loads = [];
  for (let round = 0; round < Number(rounds); round += 1) loads.push(await load(browser));
  console.log(JSON.stringify(Object.fromEntries(Object.keys(loads[0]).map((name) => [name, median(loads.map((one) => one[name]))]))));
} finally {
  await browser.close();
}
