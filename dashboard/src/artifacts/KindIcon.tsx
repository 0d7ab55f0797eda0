// The mark of a kind of artifact, drawn with lines that take the colour around them.
import type { ReactNode } from "react";

import type { PreviewKind } from "./artifactTypes";

const SHEET = <path d="M6 3.5h8l4 4v13H6zM14 3.5v4h4" />;

const SHAPES: Record<PreviewKind, ReactNode> = {
  json: <path d="M9 4.5c-2 0-3 .8-3 2.6v2.3c0 1.5-.8 2.3-2 2.6 1.2.3 2 1.1 2 2.6v2.3c0 1.8 1 2.6 3 2.6M15 4.5c2 0 3 .8 3 2.6v2.3c0 1.5.8 2.3 2 2.6-1.2.3-2 1.1-2 2.6v2.3c0 1.8-1 2.6-3 2.6" />,
  text: <path d="M4.5 6.5h15M4.5 10.2h15M4.5 13.8h15M4.5 17.5h9" />,
  markdown: <path d="M3.5 5.5h17v13h-17zM6.5 15.2V9l2.6 3.2L11.7 9v6.2M16.2 9v6M14.2 13l2 2.2 2-2.2" />,
  table: <path d="M3.5 5h17v14h-17zM3.5 9.7h17M3.5 14.3h17M9.2 5v14" />,
  image: <path d="M3.5 5h17v14h-17zM3.5 16l5-5 4 4 2.5-2.5 5.5 5M15.5 9.5a1 1 0 1 0 .010 0" />,
  frame: <path d="M3.5 5h17v14h-17zM3.5 8.5h17M10 11.5l-2.5 2.3L10 16M14 11.5l2.5 2.3L14 16" />,
  pdf: (
    <>
      {SHEET}
      <path d="M8.5 12h7M8.5 14.8h7M8.5 17.5h4" />
    </>
  ),
  audio: <path d="M4 10v4M8 7v10M12 4v16M16 7.5v9M20 10v4" />,
  video: <path d="M3.5 5h17v14h-17zM10 9l5 3-5 3z" />,
  archive: <path d="M4 7.5h16v12H4zM4 7.5l2-3h12l2 3M10 11.5h4" />,
  other: (
    <>
      {SHEET}
      <path d="M9.5 12v5M12.5 12h2.5v5h-2.5z" />
    </>
  ),
};

export function KindIcon({ kind }: { kind: PreviewKind }) {
  return (
    <svg className="kind-icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" strokeLinecap="round" aria-hidden="true">
      {SHAPES[kind]}
    </svg>
  );
}
