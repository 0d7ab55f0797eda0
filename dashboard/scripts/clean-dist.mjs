// Empties dist/ before a build, but keeps its .gitignore: the folder must exist for a Rust build without Node.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const dist = join(import.meta.dirname, "..", "dist");
await mkdir(dist, { recursive: true });
for (const entry of await readdir(dist)) {
  if (entry !== ".gitignore") await rm(join(dist, entry), { recursive: true });
}
await writeFile(join(dist, ".gitignore"), "*\n!.gitignore\n");
