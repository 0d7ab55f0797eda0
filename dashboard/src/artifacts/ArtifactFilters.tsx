// The filters above the artifact list: words to find, type, function, time, size, tags, and the order.
import { useState } from "react";

import { ARTIFACT_SORTS, ARTIFACT_TYPES, type ArtifactFilter, type ArtifactSort } from "../api/artifacts";
import { FilterSelect, type Choice } from "../components/FilterSelect";
import { SearchBox } from "../components/SearchBox";
import { shortId } from "../format/numbers";
import { FunctionSelect } from "../jobs/FunctionSelect";
import { typeLabel } from "./artifactTypes";
import { SizeFilter } from "./SizeFilter";
import { TagFilter } from "../components/TagFilter";
import { TimeFilter } from "./TimeFilter";

interface ArtifactFiltersProps {
  filter: ArtifactFilter;
  /** Types of the artifacts in the list, to choose from beside those with a name of their own. */
  listedTypes: string[];
  onChange: (next: ArtifactFilter) => void;
}

const SORT_LABELS: Record<ArtifactSort, string> = {
  "-created_at": "Newest first",
  created_at: "Oldest first",
  "-size": "Largest first",
  size: "Smallest first",
  name: "Name, A to Z",
  "-name": "Name, Z to A",
};

const SORTS: Choice[] = ARTIFACT_SORTS.map((sort) => ({ value: sort, label: SORT_LABELS[sort] }));

export function ArtifactFilters({ filter, listedTypes, onChange }: ArtifactFiltersProps) {
  const [open, setOpen] = useState(false);
  const change = (next: { [Name in keyof ArtifactFilter]: ArtifactFilter[Name] | undefined }): void => {
    const entries = Object.entries({ ...filter, ...next }).filter(([, value]) => value !== undefined && value !== "");
    onChange(Object.fromEntries(entries));
  };
  const narrowing = countNarrowing(filter);
  return (
    <div className="artifact-filters" role="search" aria-label="Artifacts">
      <div className="filters">
        <SearchBox
          label="Search artifacts"
          placeholder="Search names, descriptions, tags, metadata"
          value={filter.q ?? ""}
          onChange={(q) => {
            change({ q });
          }}
        />
        <button
          type="button"
          className="button filters-toggle"
          aria-expanded={open}
          aria-controls="more-filters"
          onClick={() => {
            setOpen(!open);
          }}
        >
          Filters{narrowing > 0 && ` (${narrowing})`}
        </button>
        <FilterSelect
          label="Order"
          value={filter.sort ?? "-created_at"}
          choices={SORTS}
          onChange={(sort) => {
            change({ sort: sort === "-created_at" ? undefined : ARTIFACT_SORTS.find((one) => one === sort) });
          }}
        />
      </div>
      <div className={open ? "filters more-filters more-filters-open" : "filters more-filters"} id="more-filters">
        <FilterSelect
          label="Type"
          value={filter.type ?? ""}
          choices={[{ value: "", label: "All types" }, ...typeChoices(filter.type, listedTypes)]}
          onChange={(type) => {
            change({ type });
          }}
        />
        <FunctionSelect
          value={filter.function ?? ""}
          onChange={(key) => {
            change({ function: key });
          }}
        />
        <TimeFilter filter={filter} onChange={change} />
        <SizeFilter filter={filter} onChange={change} />
        <TagFilter
          tags={filter.tag ?? []}
          onChange={(tags) => {
            change({ tag: tags.length === 0 ? undefined : tags });
          }}
        />
      </div>
      <ActiveFilters filter={filter} onChange={change} />
    </div>
  );
}

function countNarrowing({ q: _q, sort: _sort, ...filter }: ArtifactFilter): number {
  return Object.keys(filter).length;
}

/** The twelve types with names, then those of the list and of the address. */
function typeChoices(chosen: string | undefined, listed: string[]): Choice[] {
  const named: readonly string[] = ARTIFACT_TYPES;
  const others = [...new Set([...(chosen === undefined ? [] : [chosen]), ...listed])].filter((type) => !named.includes(type));
  return [
    ...named.map((type) => ({ value: type, label: typeLabel(type) })),
    ...others.sort().map((type) => ({ value: type, label: type })),
  ];
}

type Change = (next: Partial<Record<keyof ArtifactFilter, undefined>>) => void;

/** Filters that come from links and have no control of their own, each with a way out. */
function ActiveFilters({ filter, onChange }: { filter: ArtifactFilter; onChange: Change }) {
  const active = [
    { name: "job_id" as const, text: filter.job_id && `of job ${shortId(filter.job_id)}` },
    { name: "root_id" as const, text: filter.root_id && `of the tree under job ${shortId(filter.root_id)}` },
    { name: "read_by" as const, text: filter.read_by && `read by job ${shortId(filter.read_by)}` },
    { name: "versions" as const, text: filter.versions && "with older versions" },
  ].filter(({ text }) => text !== undefined);
  if (active.length === 0) return null;
  return (
    <ul className="tags active-filters" aria-label="More filters">
      {active.map(({ name, text }) => (
        <li key={name}>
          <button
            type="button"
            className="tag-link tag-removable"
            aria-label={`Remove the filter: ${String(text)}`}
            onClick={() => {
              onChange({ [name]: undefined });
            }}
          >
            {text}
          </button>
        </li>
      ))}
    </ul>
  );
}
