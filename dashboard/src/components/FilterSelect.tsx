// One choice out of a few, as a filter: its name is there for screen readers, its value tells everybody else.

export interface Choice {
  value: string;
  label: string;
}

interface FilterSelectProps {
  label: string;
  value: string;
  choices: Choice[];
  onChange: (value: string) => void;
}

export function FilterSelect({ label, value, choices, onChange }: FilterSelectProps) {
  return (
    <label className="field">
      <span className="visually-hidden">{label}</span>
      <select
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </label>
  );
}
