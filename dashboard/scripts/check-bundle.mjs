// Fails a build that breaks a promise: the shell stays under 200 KB gzip and each viewer that is fetched later under 60 KB,
// there is no inline script, and no other host is named.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const SHELL_LIMIT_BYTES = 200_000;
const LATER_LIMIT_BYTES = 60_000;
const dist = join(import.meta.dirname, "..", "dist");
const problems = [];

const html = await readFile(join(dist, "index.html"), "utf8");
if (/<script(?![^>]*\ssrc=)/.test(html)) problems.push("index.html holds an inline script");
if (/<style|\sstyle=|\son[a-z]+=/.test(html)) problems.push("index.html holds an inline style or handler");
if (/(?:src|href)="(?:https?:)?\/\//.test(html)) problems.push("index.html loads something from another host");

const files = new Map();
for (const name of await readdir(join(dist, "assets"))) files.set(name, await readFile(join(dist, "assets", name)));

// The shell is what index.html names, and what those files import at once. `import("./x.js")` comes later.
const shell = new Set();
const queue = [...html.matchAll(/assets\/([\w.-]+)/g)].map(([, name]) => name);
for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
  if (shell.has(name) || !files.has(name)) continue;
  shell.add(name);
  if (!name.endsWith(".js")) continue;
  const imports = files.get(name).toString().matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([\w.-]+)["']/g);
  queue.push(...[...imports].map(([, imported]) => imported));
}

let total = gzipSync(html).length;
let later = 0;
for (const [name, bytes] of files) {
  const size = gzipSync(bytes).length;
  if (shell.has(name)) total += size;
  else {
    later += size;
    if (size > LATER_LIMIT_BYTES) problems.push(`${name} is ${size} bytes gzipped, more than ${LATER_LIMIT_BYTES}`);
  }
  if (name.endsWith(".js") && /\beval\(|new Function\(/.test(bytes.toString())) problems.push(`${name} needs eval`);
  if (name.endsWith(".css") && /url\(["']?(?:https?:)?\/\//.test(bytes.toString())) problems.push(`${name} loads from another host`);
  if (!/-[\w-]{8}\.\w+$/.test(name)) problems.push(`${name} has no content hash in its name`);
}
if (total > SHELL_LIMIT_BYTES) problems.push(`the shell is ${total} bytes gzipped, more than ${SHELL_LIMIT_BYTES}`);

const kilobytes = (bytes) => (bytes / 1000).toFixed(1);
console.log(`dashboard shell: ${kilobytes(total)} KB gzip of ${SHELL_LIMIT_BYTES / 1000} KB; fetched later: ${kilobytes(later)} KB`);
for (const problem of problems) console.error(`error: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
