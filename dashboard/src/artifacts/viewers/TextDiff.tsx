// Two texts, line by line, the way `diff -u` shows them.
import type { DifferenceOf } from "../../api/artifactContent";
import { countOf } from "../../format/numbers";

type TextDifference = DifferenceOf<"text">;
type Hunk = TextDifference["hunks"][number];

const SIGNS = { context: " ", added: "+", removed: "−" } as const;
const WORDS = { context: "", added: "added: ", removed: "removed: " } as const;

export function TextDiff({ difference }: { difference: TextDifference }) {
  return (
    <>
      {typeof difference.note === "string" && <p className="muted">{difference.note}</p>}
      <p>
        <span className="diff-count-added">+{difference.added}</span> <span className="diff-count-removed">−{difference.removed}</span>{" "}
        <span className="muted">
          {countOf(difference.added, "line")} added, {countOf(difference.removed, "line")} removed
          {difference.truncated && "; not all of it is shown"}
        </span>
      </p>
      <div className="diff" tabIndex={0} role="group" aria-label="Changed lines">
        {difference.hunks.map((hunk, index) => (
          <HunkLines key={index} hunk={hunk} />
        ))}
      </div>
    </>
  );
}

function HunkLines({ hunk }: { hunk: Hunk }) {
  return (
    <div className="diff-hunk">
      {numbered(hunk).map(({ change, text, before, after }, index) => (
        <div key={index} className="diff-line" data-change={change}>
          <span className="diff-number" aria-hidden="true">
            {before}
          </span>
          <span className="diff-number" aria-hidden="true">
            {after}
          </span>
          <span className="diff-sign" aria-hidden="true">
            {SIGNS[change]}
          </span>
          <span className="diff-text">
            <span className="visually-hidden">{WORDS[change]}</span>
            {text}
          </span>
        </div>
      ))}
    </div>
  );
}

/** Each line with its number in the old and in the new text. */
function numbered(hunk: Hunk) {
  let before = hunk.old_start;
  let after = hunk.new_start;
  return hunk.lines.map(({ change, text }) => ({
    change,
    text,
    before: change === "added" ? null : before++,
    after: change === "removed" ? null : after++,
  }));
}
