// The filters above the job list: any of the statuses, and one function.
import { JOB_STATUSES, type JobFilter, type JobStatus } from "../api/jobs";
import { FunctionSelect } from "./FunctionSelect";

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
