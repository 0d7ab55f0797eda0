// JSON to unfold, value by value, to search in, and to copy paths from. Each container is the browser's own disclosure, so the
// keyboard works; what is folded is not in the page.
import { useDeferredValue, useMemo, useState } from "react";

import { countNodes, memberPath, searchTree, type JsonMatches } from "../format/jsonSearch";
import { lengthOf, type TreeNode } from "../format/jsonTree";
import { CopyButton } from "./CopyButton";

const OPEN_LEVELS = 2;
const SHOWN_AT_ONCE = 100;
/** Smaller documents are seen at a glance. */
const WORTH_SEARCHING = 12;

type Container = Extract<TreeNode, { members: unknown }>;

export function JsonTree({ node, label }: { node: TreeNode; label: string }) {
  const [words, setWords] = useState("");
  const wanted = useDeferredValue(words.trim());
  const [path, setPath] = useState<string | null>(null);
  const matches = useMemo(() => (wanted === "" ? null : searchTree(node, wanted)), [node, wanted]);
  const searchable = useMemo(() => countNodes(node, WORTH_SEARCHING) >= WORTH_SEARCHING, [node]);
  const point = (event: React.SyntheticEvent<HTMLElement>): void => {
    const at = (event.target as HTMLElement).closest<HTMLElement>("[data-path]")?.dataset["path"];
    if (at !== undefined) setPath(at);
  };
  return (
    <>
      {searchable && (
        <div className="json-tools">
          <input
            type="search"
            aria-label={`Search in ${label}`}
            placeholder="Search keys and values"
            value={words}
            onChange={(event) => {
              setWords(event.target.value);
            }}
          />
          <span className="muted" role="status">
            {matches !== null && `${matches.count.toLocaleString()} found`}
          </span>
          {path !== null && (
            <span className="json-path">
              <code title={path}>{path}</code>
              <CopyButton text={path} label="path" caption="Copy path" />
            </span>
          )}
        </div>
      )}
      <div className="json-tree" tabIndex={0} role="group" aria-label={label} onFocus={point} onClick={point}>
        {/* Another search opens other branches. */}
        <Value key={wanted} node={node} depth={0} name={null} path="$" matches={matches} />
      </div>
    </>
  );
}

interface ValueProps {
  node: TreeNode;
  depth: number;
  /** Null for the whole document. */
  name: string | null;
  path: string;
  /** Null while nothing is searched for. */
  matches: JsonMatches | null;
}

function Value({ node, ...rest }: ValueProps) {
  const { name, path } = rest;
  if ("members" in node && node.members.length > 0) return <Branch node={node} {...rest} />;
  return (
    <div className="json-leaf" data-path={path} tabIndex={0}>
      <Name name={name} />
      {"members" in node ? (
        <span className="muted">{node.length > 0 ? lengthOf(node) : node.kind === "array" ? "[ ]" : "{ }"}</span>
      ) : (
        <span className={`json-${node.kind}`}>{node.text}</span>
      )}
    </div>
  );
}

function Branch({ node, depth, name, path, matches }: ValueProps & { node: Container }) {
  const [open, setOpen] = useState(depth < OPEN_LEVELS || matches?.shown.has(node) === true);
  return (
    <details
      open={open}
      onToggle={(event) => {
        // The event of an inner branch bubbles in React.
        if (event.target === event.currentTarget) setOpen(event.currentTarget.open);
      }}
    >
      <summary data-path={path}>
        <Name name={name} />
        <span className="muted">{lengthOf(node)}</span>
      </summary>
      {open && <Members node={node} depth={depth} path={path} matches={matches} />}
    </details>
  );
}

type MembersProps = Omit<ValueProps, "node" | "name"> & { node: Container };

function Members({ node, depth, path, matches }: MembersProps) {
  const [shown, setShown] = useState(SHOWN_AT_ONCE);
  const members = matches === null ? node.members : node.members.filter((member) => matches.shown.has(member.node));
  const hidden = members.length - shown;
  const unknown = node.length - node.members.length;
  return (
    <div className="json-members">
      {members.slice(0, shown).map(({ key, node: member }, index) => (
        <Value key={index} node={member} depth={depth + 1} name={key} path={memberPath(path, node.kind, key)} matches={matches} />
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
