// A text: with a terminal's colours where it has them, Markdown rendered or as its source, the whole of it on demand.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { artifactTextQuery, type PreviewOf } from "../../api/artifactContent";
import type { Artifact } from "../../api/artifacts";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Segmented } from "../../components/Segmented";
import { countOf, formatBytes } from "../../format/numbers";
import { languageOf } from "../../format/highlight";
import { MAX_WHOLE_TEXT_BYTES, previewKind } from "../artifactTypes";
import { MarkdownView } from "../lazyViewers";
import { CodeText } from "./CodeText";
import { TerminalText } from "./TerminalText";

interface TextViewProps {
  artifact: Artifact;
  preview: PreviewOf<"text">;
  label: string;
}

const VIEWS = [
  ["rendered", "Rendered"],
  ["source", "Source"],
] as const;

export function TextView({ artifact, preview, label }: TextViewProps) {
  const [whole, setWhole] = useState(false);
  const [view, setView] = useState<"rendered" | "source">("rendered");
  const { data, error } = useQuery({ ...artifactTextQuery(artifact), enabled: whole });
  const text = data ?? preview.text;
  const markdown = previewKind(artifact) === "markdown";
  const language = artifact.type === "file/xml" ? "markup" : languageOf(artifact.name);
  const partial = preview.truncated && data === undefined;
  return (
    <div className="viewer">
      {markdown && (
        <div className="viewer-bar">
          <Segmented label="View" value={view} choices={VIEWS} onChange={setView} />
        </div>
      )}
      {typeof preview.note === "string" && <p className="code-note">{preview.note}</p>}
      {markdown && view === "rendered" ? (
        <MarkdownView text={text} label={label} />
      ) : language !== null ? (
        <CodeText text={text} language={language} label={label} />
      ) : (
        <TerminalText text={text} label={label} />
      )}
      <ErrorNotice error={error} wanted="all of it" />
      {partial && (
        <p className="code-note viewer-foot">
          The first {countOf(preview.lines, "line")} of {formatBytes(artifact.sizeBytes)}.{" "}
          {artifact.sizeBytes <= MAX_WHOLE_TEXT_BYTES ? (
            <button
              type="button"
              className="link-button"
              disabled={whole}
              onClick={() => {
                setWhole(true);
              }}
            >
              Show all
            </button>
          ) : (
            "Download it to see all."
          )}
        </p>
      )}
    </div>
  );
}
