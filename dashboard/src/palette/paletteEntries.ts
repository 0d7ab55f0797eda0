// What the palette offers for the words typed: best first, a few of each kind.
import type { Artifact } from "../api/artifacts";
import type { RegisteredFunction } from "../api/functions";
import type { Job } from "../api/jobs";
import { shortId } from "../format/numbers";
import { PAGES } from "../shell/pages";
import type { Theme } from "../shell/theme";

export interface PaletteEntry {
  id: string;
  kind: string;
  title: string;
  note?: string;
  target: { to: string; params?: Record<string, string>; search?: Record<string, unknown> } | { command: Command };
}

export type Command = "help" | `theme-${Theme}`;

interface Findable {
  functions: RegisteredFunction[];
  jobs: Job[];
  artifacts: Artifact[];
}

const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MOST_OF_A_KIND = 6;

const ACTIONS: PaletteEntry[] = [
  { id: "failed", kind: "Jobs", title: "Failed jobs", target: { to: "/jobs", search: { status: ["failed"] } } },
  { id: "running", kind: "Jobs", title: "Running jobs", target: { to: "/jobs", search: { status: ["active"] } } },
  { id: "timeline", kind: "Jobs", title: "Timeline of jobs", target: { to: "/jobs", search: { view: "timeline" } } },
  { id: "gallery", kind: "Artifacts", title: "Gallery of artifacts", target: { to: "/artifacts", search: { layout: "gallery" } } },
  { id: "help", kind: "Help", title: "Keyboard shortcuts", target: { command: "help" } },
  { id: "theme-light", kind: "Colours", title: "Light colours", target: { command: "theme-light" } },
  { id: "theme-dark", kind: "Colours", title: "Dark colours", target: { command: "theme-dark" } },
  { id: "theme-system", kind: "Colours", title: "Colours as the system has them", target: { command: "theme-system" } },
];

export function paletteEntries(words: string, { functions, jobs, artifacts }: Findable): PaletteEntry[] {
  const pages = PAGES.map(({ to, label, letter }): PaletteEntry => ({ id: to, kind: "Page", title: label, note: `g ${letter}`, target: { to } }));
  if (words === "") return [...pages, ...ACTIONS];
  const found = [
    ...(JOB_ID.test(words) ? [jobWithId(words.toLowerCase())] : []),
    ...best(words, [...pages, ...ACTIONS], (entry) => entry.title),
    ...best(words, functions, (one) => `${one.name} ${one.key}`).map(functionEntry),
    ...(/^run\b/i.test(words) ? best(words, functions, (one) => `run ${one.name} ${one.key}`).map(runEntry) : []),
    ...best(words, jobs, (job) => `${job.id} ${job.functionName}`).map(jobEntry),
    ...artifacts.slice(0, MOST_OF_A_KIND).map(artifactEntry),
  ];
  return found;
}

/** Those that hold every word, the ones that begin with the first word before the others. */
function best<One>(words: string, all: One[], textOf: (one: One) => string): One[] {
  const parts = words.toLowerCase().split(/\s+/);
  const [first = ""] = parts;
  const holding = all.filter((one) => {
    const text = textOf(one).toLowerCase();
    return parts.every((part) => text.includes(part));
  });
  const begins = (one: One): number => (textOf(one).toLowerCase().startsWith(first) ? 0 : 1);
  return holding.sort((a, b) => begins(a) - begins(b)).slice(0, MOST_OF_A_KIND);
}

function jobWithId(id: string): PaletteEntry {
  return { id: `id-${id}`, kind: "Job", title: `Job ${shortId(id)}`, note: "by its id", target: { to: "/jobs/$jobId", params: { jobId: id } } };
}

function functionEntry({ key, name, type }: RegisteredFunction): PaletteEntry {
  return { id: `function-${key}`, kind: "Function", title: name, note: type, target: { to: "/functions/$functionKey", params: { functionKey: key } } };
}

function runEntry({ key, name }: RegisteredFunction): PaletteEntry {
  return { id: `run-${key}`, kind: "Run", title: `Run ${name}…`, target: { to: "/functions/$functionKey", params: { functionKey: key }, search: { run: "now" } } };
}

function jobEntry({ id, functionName, status }: Job): PaletteEntry {
  return { id: `job-${id}`, kind: "Job", title: functionName, note: `${shortId(id)} · ${status}`, target: { to: "/jobs/$jobId", params: { jobId: id } } };
}

function artifactEntry({ id, name, jobId }: Artifact): PaletteEntry {
  return { id: `artifact-${id}`, kind: "Artifact", title: name, note: `of job ${shortId(jobId)}`, target: { to: "/artifacts", search: { selected: id } } };
}
