// Ways to use an artifact elsewhere, as text to copy: its address, a shell command, Python.
import { artifactDownloadUrl } from "../api/artifactContent";
import type { Artifact } from "../api/artifacts";
import { basePath } from "../api/client";

export function linkTo(artifact: Artifact): string {
  return new URL(`${basePath()}artifacts?selected=${encodeURIComponent(artifact.id)}`, document.baseURI).href;
}

export function curlFor(artifact: Artifact): string {
  const url = new URL(artifactDownloadUrl(artifact.id), document.baseURI).href;
  return `curl --fail --output ${shellQuoted(fileName(artifact.name))} ${shellQuoted(url)}`;
}

export function pythonFor(artifact: Artifact): string {
  const reading = readingOf(artifact);
  return `import upnext\n\nartifact = await upnext.get_artifact(${JSON.stringify(artifact.id)})\ndata = await artifact.${reading}()`;
}

function readingOf(artifact: Artifact): "json" | "text" | "bytes" {
  const media = artifact.contentType.toLowerCase();
  if (artifact.type === "json" || /^[^;]*[/+]json\b/.test(media)) return "json";
  return media.startsWith("text/") ? "text" : "bytes";
}

/** The last part of the name: the rest is no folder of the reader's. */
function fileName(name: string): string {
  const last = name.split(/[/\\]/).findLast((part) => part !== "") ?? "artifact";
  // A name that begins with a dash would be an option.
  return last.startsWith("-") ? `./${last}` : last;
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
