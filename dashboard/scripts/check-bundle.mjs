// Fails a build that breaks a promise: the shell stays under 200 KB gzip, has no inline script and names no other host.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 200_000;
const dist = join(import.meta.dirname, "..", "dist");
const problems = [];

const html = await readFile(join(dist, "index.html"), "utf8");
if (/<script(?![^>]*\ssrc=)/.test(html)) problems.push("index.html holds an inline script");
if (/<style|\sstyle=|\son[a-z]+=/.test(html)) problems.push("index.html holds an inline style or handler");
if (/(?:src|href)="(?:https?:)?\/\//.test(html)) problems.push("index.html loads something from another host");

let total = gzipSync(html).length;
for (const name of await readdir(join(dist, "assets"))) {
  const bytes = await readFile(join(dist, "assets", name));
  total += gzipSync(bytes).length;
  if (name.endsWith(".js") && /\beval\(|new Function\(/.test(bytes.toString())) problems.push(`${name} needs eval`);
  if (name.endsWith(".css") && /url\(["']?(?:https?:)?\/\//.test(bytes.toString())) problems.push(`${name} loads from another host`);
  if (!/-[\w-]{8}\.\w+$/.test(name)) problems.push(`${name} has no content hash in its name`);
}
if (total > LIMIT_BYTES) problems.push(`the shell is ${total} bytes gzipped, more than ${LIMIT_BYTES}`);

console.log(`dashboard shell: ${(total / 1000).toFixed(1)} KB gzip of ${LIMIT_BYTES / 1000} KB`);
for (const problem of problems) console.error(`error: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
