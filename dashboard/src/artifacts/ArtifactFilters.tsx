// The filters above the artifact list: part of a name, and one type.
import { useEffect, useEffectEvent, useState } from "react";

import { ARTIFACT_TYPES, type ArtifactFilter, type ArtifactType } from "../api/artifacts";
import { typeLabel } from "./artifactTypes";

const TYPING_PAUSE_MS = 250;

interface ArtifactFiltersProps {
  filter: ArtifactFilter;
  onChange: (next: ArtifactFilter) => void;
}

export function ArtifactFilters({ filter, onChange }: ArtifactFiltersProps) {
  const chooseType = (type: ArtifactType | undefined): void => {
    const { type: _, ...rest } = filter;
    onChange(type === undefined ? rest : { ...rest, type });
  };
  const chooseName = (name: string): void => {
    const { name: _, ...rest } = filter;
    onChange(name === "" ? rest : { ...rest, name });
  };
  return (
    <div className="filters" role="search">
      <NameSearch value={filter.name ?? ""} onChange={chooseName} />
      <label className="field">
        <span className="visually-hidden">Type</span>
        <select
          value={filter.type ?? ""}
          onChange={(event) => {
            chooseType(ARTIFACT_TYPES.find((type) => type === event.target.value));
          }}
        >
          <option value="">All types</option>
          {ARTIFACT_TYPES.map((type) => (
            <option key={type} value={type}>
              {typeLabel(type)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** Typing is answered at once in the box, and a moment later in the address and the list. */
function NameSearch({ value, onChange }: { value: string; onChange: (name: string) => void }) {
  const [typed, setTyped] = useState(value);
  const [sent, setSent] = useState(value);
  const [seen, setSeen] = useState(value);
  // An address that changed by other means (back, "Show all") wins over the box; the echo of our own change does not.
  if (value !== seen) {
    setSeen(value);
    if (value !== sent) setTyped(value);
  }
  const commit = useEffectEvent(() => {
    const name = typed.trim();
    if (name === value) return;
    setSent(name);
    onChange(name);
  });
  useEffect(() => {
    const timer = setTimeout(() => {
      commit();
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed]);
  return (
    <label className="field field-search">
      <span className="visually-hidden">Search by name</span>
      <input
        type="search"
        placeholder="Search by name"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
        }}
      />
    </label>
  );
}
