// Chooses one of the registered functions, or all.
import { useQuery } from "@tanstack/react-query";

import { functionsQuery } from "../api/functions";

export function FunctionSelect({ value, onChange }: { value: string; onChange: (key: string) => void }) {
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
