// Takes the pictures of the documentation: starts a real server on a free port, gives a real worker the jobs of showcase.py,
// and keeps a few pages as WebP.
//   UPNEXT_BIN=... UPNEXT_PYTHON=... node scripts/showcase.mjs FOLDER
// With `serve` instead of a folder it only starts all of it, and prints where.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { openPage, pagesOf, pictureOf, SIZES, startBrowser } from "./browser.mjs";

const [folder] = process.argv.slice(2);
const { UPNEXT_BIN: binary, UPNEXT_PYTHON: python } = process.env;
if (folder === undefined || binary === undefined || python === undefined) {
  throw new Error("Usage: UPNEXT_BIN=... UPNEXT_PYTHON=... node scripts/showcase.mjs FOLDER (or `serve`)");
}

/** What the documentation shows: page, size, scheme. */
const PICTURES = [
  ["overview", "wide", "light"],
  ["overview", "wide", "dark"],
  ["overview", "phone", "light"],
  ["jobs", "wide", "light"],
  ["jobs-timeline", "wide", "dark"],
  ["job-tree", "wide", "light"],
  ["job-failed", "wide", "light"],
  ["job-logs", "wide", "dark"],
  ["job-artifacts", "phone", "dark"],
  ["artifacts-gallery", "wide", "light"],
  ["artifacts-gallery", "wide", "dark"],
  ["artifact", "wide", "light"],
  ["function", "wide", "light"],
];
const MOST_BYTES = 150_000;

const home = await mkdtemp(join(tmpdir(), "upnext-showcase-"));
const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("UPNEXT_"));
const env = { ...Object.fromEntries(inherited), UPNEXT_HOME: home };
const started = [];

function start(command, args, stdout) {
  const child = spawn(command, args, { env, stdio: ["ignore", stdout, "inherit"] });
  started.push(child);
  return child;
}

async function addressOf(server) {
  for await (const line of createInterface({ input: server.stdout })) {
    const address = /listening on (http:\S+)/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error("the server ended before it listened");
}

async function stop() {
  for (const child of started.toReversed()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }
  await rm(home, { recursive: true, force: true });
}

/** PNG as WebP. The browser can write it. */
async function toWebp(page, png) {
  const address = await page.evaluate(async (base64) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.9);
  }, png.toString("base64"));
  return Buffer.from(address.slice(address.indexOf(",") + 1), "base64");
}

async function takePictures(url) {
  await mkdir(folder, { recursive: true });
  const browser = await startBrowser();
  const darkroom = await browser.newPage();
  const pages = await pagesOf(url);
  for (const [name, size, scheme] of PICTURES) {
    const page = await openPage(browser, SIZES[size], scheme);
    const webp = await toWebp(darkroom, await pictureOf(page, new URL(pages[name], url).href));
    if (webp.length > MOST_BYTES) throw new Error(`${name} takes ${webp.length} bytes, more than ${MOST_BYTES}`);
    await writeFile(join(folder, `${name}-${size}-${scheme}.webp`), webp);
    await page.close();
  }
  await browser.close();
  console.log(`${PICTURES.length} pictures in ${folder}`);
}

try {
  const server = start(binary, ["server", "start", "--host", "127.0.0.1", "--port", "0"], "pipe");
  const url = await addressOf(server);
  const tasks = join(import.meta.dirname, "showcase.py");
  start(python, [tasks, "work"], "ignore");
  const [code] = await once(start(python, [tasks], "inherit"), "exit");
  if (code !== 0) throw new Error("the jobs of the showcase did not come to their end");
  if (folder === "serve") {
    console.log(url);
    await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  } else {
    await takePictures(url);
  }
} finally {
  await stop();
}
