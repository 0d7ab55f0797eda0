// The filters above the job list: any of the statuses, and one function.
import { useQuery } from "@tanstack/react-query";

import { functionsQuery } from "../api/functions";
import { JOB_STATUSES, type JobFilter, type JobStatus } from "../api/jobs";

interface JobFiltersProps {
  filter: JobFilter;
  onChange: (next: JobFilter) => void;
}

export function JobFilters({ filter, onChange }: JobFiltersProps) {
  const chosen = new Set(filter.status);
  const toggle = (status: JobStatus): void => {
    const next = JOB_STATUSES.filter((one) => (one === status ? !chosen.has(one) : chosen.has(one)));
    const { status: _, ...rest } = filter;
    onChange(next.length === 0 ? rest : { ...rest, status: next });
  };
  const chooseFunction = (key: string): void => {
    const { function: _, ...rest } = filter;
    onChange(key === "" ? rest : { ...rest, function: key });
  };
  return (
    <div className="filters">
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
      <FunctionSelect value={filter.function ?? ""} onChange={chooseFunction} />
    </div>
  );
}

function FunctionSelect({ value, onChange }: { value: string; onChange: (key: string) => void }) {
  const { data } = useQuery(functionsQuery());
  const options = (data ?? []).map(({ key, name }) => ({ key, name })).sort((a, b) => a.name.localeCompare(b.name));
  // A function nobody registers now can still have jobs, and an address can name it.
  if (value !== "" && !options.some((option) => option.key === value)) options.unshift({ key: value, name: value });
  return (
    <label className="field">
      <span className="visually-hidden">Function</span>
      <select
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      >
        <option value="">All functions</option>
        {options.map((option) => (
          <option key={option.key} value={option.key}>
            {option.name}
          </option>
        ))}
      </select>
    </label>
  );
}
