// How large the artifacts are: a few ranges, and whatever range an address brings.
import type { ArtifactFilter } from "../api/artifacts";
import { FilterSelect } from "../components/FilterSelect";
import { formatBytes } from "../format/numbers";

type Sizes = Pick<ArtifactFilter, "min_size" | "max_size">;

interface SizeFilterProps {
  filter: Sizes;
  onChange: (next: { [Name in keyof Sizes]: Sizes[Name] | undefined }) => void;
}

interface Range {
  min: number | undefined;
  max: number | undefined;
}

const RANGES: Range[] = [
  { min: undefined, max: undefined },
  { min: undefined, max: 10_000 },
  { min: 10_000, max: 1_000_000 },
  { min: 1_000_000, max: 100_000_000 },
  { min: 100_000_000, max: undefined },
];

export function SizeFilter({ filter, onChange }: SizeFilterProps) {
  const chosen: Range = { min: filter.min_size, max: filter.max_size };
  const ranges = RANGES.some((range) => keyOf(range) === keyOf(chosen)) ? RANGES : [...RANGES, chosen];
  return (
    <FilterSelect
      label="Size"
      value={keyOf(chosen)}
      choices={ranges.map((range) => ({ value: keyOf(range), label: labelOf(range) }))}
      onChange={(key) => {
        const range = ranges.find((one) => keyOf(one) === key);
        onChange({ min_size: range?.min, max_size: range?.max });
      }}
    />
  );
}

function keyOf({ min, max }: Range): string {
  return `${min ?? ""}-${max ?? ""}`;
}

function labelOf({ min, max }: Range): string {
  if (min === undefined && max === undefined) return "Any size";
  if (min === undefined) return `Up to ${brief(max)}`;
  return max === undefined ? `${brief(min)} or more` : `${brief(min)} to ${brief(max)}`;
}

function brief(bytes: number | undefined): string {
  return formatBytes(bytes ?? 0).replace(".0 ", " ");
}
