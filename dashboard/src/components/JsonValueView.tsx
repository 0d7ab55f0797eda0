// A value of a job, as a tree to unfold or as text.
import { useMemo, useState } from "react";

import { toJsonText, type JsonValue } from "../api/json";
import { jsonTree } from "../format/jsonTree";
import { CopyButton } from "./CopyButton";
import { JsonText } from "./JsonBlock";
import { JsonTree } from "./JsonTree";
import { Segmented } from "./Segmented";

const VIEWS = [
  ["tree", "Tree"],
  ["text", "Text"],
] as const;

export function JsonValueView({ value, label }: { value: JsonValue; label: string }) {
  const [view, setView] = useState<"tree" | "text">("tree");
  const text = useMemo(() => toJsonText(value), [value]);
  const tree = useMemo(() => jsonTree(text), [text]);
  return (
    <div className="card json-value">
      <div className="json-value-bar">
        <Segmented label={`${label} as`} value={view} choices={VIEWS} onChange={setView} />
        <CopyButton text={text} label={label.toLowerCase()} />
      </div>
      {view === "tree" && tree !== null ? <JsonTree node={tree} label={label} /> : <JsonText text={text} label={label} />}
    </div>
  );
}
