// Takes pictures of a running server to look at: every page, at three widths, in light and in dark.
//   node scripts/screenshots.mjs URL FOLDER [PATH...]
// SIZE (wide, middle or phone) and SCHEME (light or dark) leave the others out; CHROMIUM_PATH is the browser, /usr/bin/chromium
// unless set.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { openPage, pagesOf, pictureOf, SIZES, startBrowser } from "./browser.mjs";

const [url, folder, ...only] = process.argv.slice(2);
if (url === undefined || folder === undefined) throw new Error("Usage: node scripts/screenshots.mjs URL FOLDER [PATH...]");

const nameOf = (path) => path.replaceAll(/\W+/g, "-").replaceAll(/^-|-$/g, "") || "overview";
const named = only.length > 0 ? Object.fromEntries(only.map((path) => [nameOf(path), path])) : await pagesOf(url);
const sizes = Object.entries(SIZES).filter(([name]) => process.env.SIZE === undefined || process.env.SIZE === name);
const schemes = ["light", "dark"].filter((name) => process.env.SCHEME === undefined || process.env.SCHEME === name);

await mkdir(folder, { recursive: true });
const browser = await startBrowser();
for (const scheme of schemes) {
  for (const [size, viewport] of sizes) {
    const page = await openPage(browser, viewport, scheme);
    for (const [name, path] of Object.entries(named)) {
      await writeFile(join(folder, `${name}-${size}-${scheme}.png`), await pictureOf(page, new URL(path, url).href));
    }
    await page.close();
  }
}
await browser.close();
console.log(`${Object.keys(named).length * sizes.length * schemes.length} pictures in ${folder}`);
