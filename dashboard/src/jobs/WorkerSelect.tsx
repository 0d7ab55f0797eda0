// Chooses one running instance of a worker, or all.
import { useQuery } from "@tanstack/react-query";

import { workersQuery } from "../api/workers";

export function WorkerSelect({ value, onChange }: { value: string; onChange: (id: string) => void }) {
  const { data } = useQuery(workersQuery());
  const alive = (data ?? []).flatMap(({ instances }) => instances.filter((instance) => instance.alive)).map(({ id }) => id);
  // One that has stopped can still have jobs, and an address can name it.
  const ids = value === "" || alive.includes(value) ? alive : [value, ...alive];
  return (
    <label className="field">
      <span className="visually-hidden">Worker</span>
      <select
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      >
        <option value="">All workers</option>
        {ids.map((id) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
    </label>
  );
}
