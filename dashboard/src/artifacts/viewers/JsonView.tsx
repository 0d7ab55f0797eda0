// A JSON document: its text, or a tree to unfold. Of a large one there is only the outline, as a tree.
import { useMemo, useState } from "react";

import type { PreviewOf } from "../../api/artifactContent";
import { JsonText } from "../../components/JsonBlock";
import { JsonTree } from "../../components/JsonTree";
import { Segmented } from "../../components/Segmented";
import { jsonTree, outlineTree } from "../../format/jsonTree";

const VIEWS = [
  ["text", "Text"],
  ["tree", "Tree"],
] as const;

/** Who likes trees sees the next document as a tree too. */
let preferred: "text" | "tree" = "text";

export function JsonView({ preview, label }: { preview: PreviewOf<"json">; label: string }) {
  const [view, setView] = useState(preferred);
  const { text = null, outline = null } = preview;
  const tree = useMemo(
    () => (outline !== null ? outlineTree(outline) : text === null ? null : jsonTree(text)),
    [text, outline],
  );
  if (text === null || tree === null) {
    return (
      <div className="viewer">
        <p className="code-note">The outline of a large document{preview.truncated && ", as far as it was read"}.</p>
        {tree !== null && <JsonTree node={tree} label={label} />}
      </div>
    );
  }
  return (
    <div className="viewer">
      <div className="viewer-bar">
        <Segmented
          label="View"
          value={view}
          choices={VIEWS}
          onChange={(next) => {
            preferred = next;
            setView(next);
          }}
        />
      </div>
      {view === "tree" ? <JsonTree node={tree} label={label} /> : <JsonText text={text} label={label} />}
    </div>
  );
}
