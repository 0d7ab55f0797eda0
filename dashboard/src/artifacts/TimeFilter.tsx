// When the artifacts were made: the last hours or days, or from one day to another.
import { useState } from "react";

import { ARTIFACT_AGES, type ArtifactAge, type ArtifactFilter } from "../api/artifacts";
import { FilterSelect } from "../components/FilterSelect";

type Times = Pick<ArtifactFilter, "within" | "from" | "to">;

interface TimeFilterProps {
  filter: Times;
  onChange: (next: { [Name in keyof Times]: Times[Name] | undefined }) => void;
}

const AGE_LABELS: Record<ArtifactAge, string> = {
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
};

const CHOICES = [
  { value: "", label: "Any time" },
  ...ARTIFACT_AGES.map((age) => ({ value: age, label: AGE_LABELS[age] })),
  { value: "days", label: "Days…" },
];

export function TimeFilter({ filter, onChange }: TimeFilterProps) {
  const [choosing, setChoosing] = useState(false);
  const byDay = choosing || filter.from !== undefined || filter.to !== undefined;
  const choose = (value: string): void => {
    setChoosing(value === "days");
    onChange({ within: ARTIFACT_AGES.find((age) => age === value), from: undefined, to: undefined });
  };
  return (
    <>
      <FilterSelect label="Time" value={byDay ? "days" : (filter.within ?? "")} choices={CHOICES} onChange={choose} />
      {byDay && (
        <>
          <DayField
            label="From day"
            value={filter.from}
            onChange={(from) => {
              onChange({ within: undefined, from, to: filter.to });
            }}
          />
          <DayField
            label="To day"
            value={filter.to}
            onChange={(to) => {
              onChange({ within: undefined, from: filter.from, to });
            }}
          />
        </>
      )}
    </>
  );
}

interface DayFieldProps {
  label: string;
  value: string | undefined;
  onChange: (day: string | undefined) => void;
}

function DayField({ label, value, onChange }: DayFieldProps) {
  return (
    <label className="field">
      <span className="visually-hidden">{label}</span>
      <input
        type="date"
        title={label}
        value={value ?? ""}
        onChange={(event) => {
          onChange(event.target.value === "" ? undefined : event.target.value);
        }}
      />
    </label>
  );
}
