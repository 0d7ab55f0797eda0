// Takes the pictures of the documentation: starts a real server on a free port, gives a real worker the jobs of showcase.py,
// and keeps a few pages as PNG. UPNEXT_PYTHON needs Pillow for that.
//   UPNEXT_BIN=... UPNEXT_PYTHON=... node scripts/showcase.mjs FOLDER
// With `serve` instead of a folder it only starts all of it, and prints where.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
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
  ["jobs", "wide", "light"],
  ["job-failed", "wide", "light"],
  ["job-tree", "wide", "dark"],
  ["artifacts-gallery", "wide", "light"],
  ["artifact", "wide", "light"],
  ["compare-pictures", "wide", "dark"],
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

/** The same picture with 256 colours, which a page does not have many more of. */
function shrink(file) {
  const program = "import sys; from PIL import Image; Image.open(sys.argv[1]).convert('RGB').quantize(256, dither=0).save(sys.argv[1], optimize=True)";
  const { status, stderr } = spawnSync(python, ["-c", program, file], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${file} was not made smaller: ${stderr}`);
}

async function takePictures(url) {
  await mkdir(folder, { recursive: true });
  const browser = await startBrowser();
  const pages = await pagesOf(url);
  for (const [name, size, scheme] of PICTURES) {
    const page = await openPage(browser, SIZES[size], scheme);
    const file = join(folder, `${name}-${scheme}.png`);
    await writeFile(file, await pictureOf(page, new URL(pages[name], url).href));
    shrink(file);
    const bytes = (await stat(file)).size;
    if (bytes > MOST_BYTES) throw new Error(`${file} takes ${bytes} bytes, more than ${MOST_BYTES}`);
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
