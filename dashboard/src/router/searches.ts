// The typed search parameters of each page: what its filters keep in the address bar.
import { ARTIFACT_AGES, ARTIFACT_SORTS, type ArtifactFilter } from "../api/artifacts";
import { JOB_STATUSES, type JobFilter } from "../api/jobs";
import { readCount, readDay, readText, readTexts, readWord, readWords } from "./searchParams";

export type JobsSearch = JobFilter;

export interface ArtifactsSearch extends ArtifactFilter {
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
  });
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
    selected: readText(raw["selected"]),
    tab: readWord(raw["tab"], ["details", "versions", "lineage"]),
    compare: readText(raw["compare"]),
  });
}
