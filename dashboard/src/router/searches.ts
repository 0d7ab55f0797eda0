// The typed search parameters of each page: what its filters keep in the address bar.
import { ARTIFACT_TYPES, type ArtifactFilter } from "../api/artifacts";
import { JOB_STATUSES, type JobFilter } from "../api/jobs";
import { readText, readWord, readWords } from "./searchParams";

export type JobsSearch = JobFilter;

export interface ArtifactsSearch extends ArtifactFilter {
  /** The artifact whose preview is open. */
  selected?: string;
}

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
    name: readText(raw["name"]),
    type: readWord(raw["type"], ARTIFACT_TYPES),
    selected: readText(raw["selected"]),
  });
}
