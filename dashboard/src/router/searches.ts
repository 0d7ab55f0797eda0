// The typed search parameters of each page: what its filters keep in the address bar.
import { ARTIFACT_AGES, ARTIFACT_SORTS, type ArtifactFilter } from "../api/artifacts";
import { JOB_AGES, JOB_STATUSES, type JobFilter } from "../api/jobs";
import { TREND_HOURS, type TrendHours } from "../api/overview";
import { readCount, readDay, readMoment, readText, readTexts, readWord, readWords } from "./searchParams";

export interface OverviewSearch {
  /** What the trend shows; 24 when absent. */
  hours?: TrendHours;
}

export interface FunctionSearch extends OverviewSearch {
  /** The form that runs it is open. */
  run?: "now";
}

export interface JobsSearch extends JobFilter {
  /** The table when absent. */
  view?: "timeline";
}

export interface JobSearch {
  /** The open part of the page; the summary when absent. */
  part?: Exclude<JobPart, "summary">;
  /** Among its artifacts: as tiles, the selected one, the open tab of its pane, and what it is compared with. */
  layout?: "gallery";
  selected?: string;
  tab?: Exclude<PaneTab, "preview">;
  compare?: string;
}

export const JOB_PARTS = ["summary", "artifacts", "logs", "tree", "lineage"] as const;
export type JobPart = (typeof JOB_PARTS)[number];

export interface ActivitySearch {
  /** Only events of this kind. */
  kind?: ActivityKind;
  function?: string;
}

export const ACTIVITY_KINDS = ["jobs", "failures", "artifacts"] as const;
export type ActivityKind = (typeof ACTIVITY_KINDS)[number];

export interface ArtifactsSearch extends ArtifactFilter {
  /** The table when absent. */
  layout?: "gallery";
  /** The artifact whose pane is open. */
  selected?: string;
  /** The open tab of the pane; the preview when absent. */
  tab?: Exclude<PaneTab, "preview">;
  /** The artifact that the selected one is compared with. */
  compare?: string;
}

export const PANE_TABS = ["preview", "details", "versions", "lineage"] as const;
export type PaneTab = (typeof PANE_TABS)[number];

/** Leaves absent parameters out, so that they leave the address too. */
function present<Search extends object>(search: { [Name in keyof Search]: Search[Name] | undefined }): Search {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as Search;
}

export function validateJobsSearch(raw: Record<string, unknown>): JobsSearch {
  return present<Required<JobsSearch>>({
    status: readWords(raw["status"], JOB_STATUSES),
    function: readText(raw["function"]),
    worker_id: readText(raw["worker_id"]),
    reads: readText(raw["reads"]),
    tag: readTexts(raw["tag"]),
    text: readText(raw["text"]),
    since: readWord(raw["since"], JOB_AGES),
    after: readMoment(raw["after"]),
    before: readMoment(raw["before"]),
    view: readWord(raw["view"], ["timeline"]),
  });
}

export function validateJobSearch(raw: Record<string, unknown>): JobSearch {
  return present<Required<JobSearch>>({
    part: readWord(raw["part"], ["artifacts", "logs", "tree", "lineage"]),
    layout: readWord(raw["layout"], ["gallery"]),
    selected: readText(raw["selected"]),
    tab: readWord(raw["tab"], ["details", "versions", "lineage"]),
    compare: readText(raw["compare"]),
  });
}

export function validateOverviewSearch(raw: Record<string, unknown>): OverviewSearch {
  const hours = readCount(raw["hours"]);
  return present<Required<OverviewSearch>>({ hours: TREND_HOURS.find((one) => one === hours && one !== 24) });
}

export function validateFunctionSearch(raw: Record<string, unknown>): FunctionSearch {
  return present<Required<FunctionSearch>>({ hours: validateOverviewSearch(raw).hours, run: readWord(raw["run"], ["now"]) });
}

export function validateActivitySearch(raw: Record<string, unknown>): ActivitySearch {
  return present<Required<ActivitySearch>>({ kind: readWord(raw["kind"], ACTIVITY_KINDS), function: readText(raw["function"]) });
}

export function validateArtifactsSearch(raw: Record<string, unknown>): ArtifactsSearch {
  return present<Required<ArtifactsSearch>>({
    q: readText(raw["q"]),
    type: readText(raw["type"]),
    tag: readTexts(raw["tag"]),
    function: readText(raw["function"]),
    job_id: readText(raw["job_id"]),
    root_id: readText(raw["root_id"]),
    read_by: readText(raw["read_by"]),
    min_size: readCount(raw["min_size"]),
    max_size: readCount(raw["max_size"]),
    within: readWord(raw["within"], ARTIFACT_AGES),
    from: readDay(raw["from"]),
    to: readDay(raw["to"]),
    versions: readWord(raw["versions"], ["all"]),
    sort: readWord(raw["sort"], ARTIFACT_SORTS),
    layout: readWord(raw["layout"], ["gallery"]),
    selected: readText(raw["selected"]),
    tab: readWord(raw["tab"], ["details", "versions", "lineage"]),
    compare: readText(raw["compare"]),
  });
}
