// A source text in colours.
import { memo } from "react";

import { highlight, type Language } from "../../format/highlight";
import { TextBlock } from "../../components/JsonBlock";

interface CodeTextProps {
  text: string;
  language: Language;
  label: string;
}

export const CodeText = memo(function CodeText({ text, language, label }: CodeTextProps) {
  const tokens = highlight(text, language);
  if (tokens === null) return <TextBlock text={text} label={label} />;
  return (
    <pre className="code" tabIndex={0} role="group" aria-label={label}>
      {tokens.map((token, index) =>
        token.kind === "plain" ? (
          token.text
        ) : (
          <span key={index} className={`code-${token.kind}`}>
            {token.text}
          </span>
        ),
      )}
    </pre>
  );
});
