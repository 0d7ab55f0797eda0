// JSON, indented and coloured. Very large texts stay plain, because a span per token would freeze the page.
import { memo } from "react";

import { toJsonText, type JsonValue } from "../api/json";
import { prettyJson } from "../format/prettyJson";

const MAX_COLOURED_TOKENS = 20_000;

/** `text` is JSON text, shown as it is when it turns out not to be. */
export const JsonText = memo(function JsonText({ text, label }: { text: string; label: string }) {
  const tokens = prettyJson(text);
  if (tokens === null) {
    return (
      <>
        <p className="code-note">This is not valid JSON, so it is shown as it is.</p>
        <TextBlock text={text} label={label} />
      </>
    );
  }
  if (tokens.length > MAX_COLOURED_TOKENS) return <TextBlock text={tokens.map((token) => token.text).join("")} label={label} />;
  return (
    <pre className="code" tabIndex={0} role="group" aria-label={label}>
      {tokens.map((token, index) =>
        token.kind === "plain" ? (
          token.text
        ) : (
          <span key={index} className={`json-${token.kind}`}>
            {token.text}
          </span>
        ),
      )}
    </pre>
  );
});

export function JsonBlock({ value, label }: { value: JsonValue; label: string }) {
  return <JsonText text={toJsonText(value)} label={label} />;
}

/** Preformatted text that scrolls inside itself and can be scrolled by keyboard. */
export function TextBlock({ text, label }: { text: string; label: string }) {
  return (
    <pre className="code" tabIndex={0} role="group" aria-label={label}>
      {text}
    </pre>
  );
}
