// JSON to unfold, value by value. Each container is the browser's own disclosure, so the keyboard works; what is folded is
// not in the page.
import { useState } from "react";

import { lengthOf, type TreeNode } from "../format/jsonTree";

const OPEN_LEVELS = 2;
const SHOWN_AT_ONCE = 100;

type Container = Extract<TreeNode, { members: unknown }>;

export function JsonTree({ node, label }: { node: TreeNode; label: string }) {
  return (
    <div className="json-tree" tabIndex={0} role="group" aria-label={label}>
      <Value node={node} depth={0} name={null} />
    </div>
  );
}

interface ValueProps {
  node: TreeNode;
  depth: number;
  /** Null for the whole document. */
  name: string | null;
}

function Value({ node, depth, name }: ValueProps) {
  if ("members" in node && node.members.length > 0) return <Branch node={node} depth={depth} name={name} />;
  return (
    <div className="json-leaf">
      <Name name={name} />
      {"members" in node ? (
        <span className="muted">{node.length > 0 ? lengthOf(node) : node.kind === "array" ? "[ ]" : "{ }"}</span>
      ) : (
        <span className={`json-${node.kind}`}>{node.text}</span>
      )}
    </div>
  );
}

function Branch({ node, depth, name }: ValueProps & { node: Container }) {
  const [open, setOpen] = useState(depth < OPEN_LEVELS);
  return (
    <details
      open={open}
      onToggle={(event) => {
        // The event of an inner branch bubbles in React.
        if (event.target === event.currentTarget) setOpen(event.currentTarget.open);
      }}
    >
      <summary>
        <Name name={name} />
        <span className="muted">{lengthOf(node)}</span>
      </summary>
      {open && <Members node={node} depth={depth} />}
    </details>
  );
}

function Members({ node, depth }: { node: Container; depth: number }) {
  const [shown, setShown] = useState(SHOWN_AT_ONCE);
  const hidden = node.members.length - shown;
  const unknown = node.length - node.members.length;
  return (
    <div className="json-members">
      {node.members.slice(0, shown).map(({ key, node: member }, index) => (
        <Value key={index} node={member} depth={depth + 1} name={key} />
      ))}
      {hidden > 0 && (
        <button
          type="button"
          className="link-button"
          onClick={() => {
            setShown(shown + 10 * SHOWN_AT_ONCE);
          }}
        >
          {hidden.toLocaleString()} more
        </button>
      )}
      {hidden <= 0 && unknown > 0 && <div className="muted json-leaf">{unknown.toLocaleString()} more, not shown here</div>}
    </div>
  );
}

function Name({ name }: { name: string | null }) {
  if (name === null) return null;
  return (
    <>
      <span className="json-key">{name}</span>
      <span className="muted">: </span>
    </>
  );
}
