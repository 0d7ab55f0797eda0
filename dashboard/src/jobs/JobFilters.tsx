// The filters above the job list: words, statuses, tags, a time, a function, a worker, and what a link has narrowed the list
// down to.
import { JOB_AGES, JOB_STATUSES, type JobAge, type JobFilter, type JobStatus } from "../api/jobs";
import { FilterSelect } from "../components/FilterSelect";
import { SearchBox } from "../components/SearchBox";
import { TagFilter } from "../components/TagFilter";
import { shortId } from "../format/numbers";
import { exactTime } from "../format/time";
import { FunctionSelect } from "./FunctionSelect";
import { WorkerSelect } from "./WorkerSelect";

interface JobFiltersProps {
  filter: JobFilter;
  onChange: (next: JobFilter) => void;
}

const AGE_WORDS: Record<JobAge, string> = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "6h": "Last 6 hours",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
};

const AGE_CHOICES = [{ value: "", label: "Any time" }, ...JOB_AGES.map((age) => ({ value: age, label: AGE_WORDS[age] }))];

export function JobFilters({ filter, onChange }: JobFiltersProps) {
  const chosen = new Set(filter.status);
  const change = (next: { [Name in keyof JobFilter]: JobFilter[Name] | undefined }): void => {
    const merged = Object.entries({ ...filter, ...next }).filter(([, value]) => value !== undefined);
    onChange(Object.fromEntries(merged));
  };
  const toggle = (status: JobStatus): void => {
    const next = JOB_STATUSES.filter((one) => (one === status ? !chosen.has(one) : chosen.has(one)));
    change({ status: next.length === 0 ? undefined : next });
  };
  return (
    <div className="job-filters" role="search" aria-label="Jobs">
      <div className="filter-group">
        <SearchBox
          label="Search jobs"
          placeholder="Search id, function, key, arguments or error"
          value={filter.text ?? ""}
          onChange={(text) => {
            change({ text: text === "" ? undefined : text });
          }}
        />
        <FilterSelect
          label="Time"
          value={filter.since ?? ""}
          choices={AGE_CHOICES}
          onChange={(age) => {
            change({ since: JOB_AGES.find((one) => one === age), after: undefined, before: undefined });
          }}
        />
        <FunctionSelect
          value={filter.function ?? ""}
          onChange={(key) => {
            change({ function: key === "" ? undefined : key });
          }}
        />
        <WorkerSelect
          value={filter.worker_id ?? ""}
          onChange={(id) => {
            change({ worker_id: id === "" ? undefined : id });
          }}
        />
      </div>
      <div className="filter-group">
        <div className="chips" role="group" aria-label="Status">
          {JOB_STATUSES.map((status) => (
            <button
              key={status}
              type="button"
              className="chip"
              data-job-status={status}
              aria-pressed={chosen.has(status)}
              onClick={() => {
                toggle(status);
              }}
            >
              <span className="status-dot" aria-hidden="true" />
              {status}
            </button>
          ))}
        </div>
        <TagFilter
          tags={filter.tag ?? []}
          onChange={(tags) => {
            change({ tag: tags.length === 0 ? undefined : tags });
          }}
        />
        <Narrowing filter={filter} change={change} />
      </div>
    </div>
  );
}

/** What no control sets, only a link; each can be taken away. */
function Narrowing({ filter, change }: { filter: JobFilter; change: (next: { [Name in keyof JobFilter]: JobFilter[Name] | undefined }) => void }) {
  const { reads, after, before } = filter;
  const time = [after && `from ${exactTime(new Date(after))}`, before && `to ${exactTime(new Date(before))}`].filter(Boolean).join(" ");
  return (
    <>
      {reads !== undefined && <Removable words={`readers of artifact ${shortId(reads)}`} onRemove={() => { change({ reads: undefined }); }} />}
      {time !== "" && filter.since === undefined && <Removable words={time} onRemove={() => { change({ after: undefined, before: undefined }); }} />}
    </>
  );
}

function Removable({ words, onRemove }: { words: string; onRemove: () => void }) {
  return (
    <button type="button" className="tag-link tag-removable" aria-label={`Remove the filter: ${words}`} onClick={onRemove}>
      {words}
    </button>
  );
}
