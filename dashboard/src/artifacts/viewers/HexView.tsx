// The first bytes of something nobody here understands.
import type { PreviewOf } from "../../api/artifactContent";
import { formatCount } from "../../format/numbers";
import { hexLines } from "../../format/hex";

export function HexView({ preview, label }: { preview: PreviewOf<"binary">; label: string }) {
  const lines = hexLines(preview.hex);
  return (
    <div className="viewer">
      <p className="code-note">
        {typeof preview.looks_like === "string" ? `Looks like ${preview.looks_like}` : "Bytes of an unknown kind"}
        {preview.truncated && `; the first ${formatCount(preview.hex.length / 2)} bytes are shown`}.
      </p>
      <pre className="code hex" tabIndex={0} role="group" aria-label={label}>
        {lines.map((line) => (
          <span key={line.offset}>
            <span className="muted">{line.offset}</span>
            {`  ${line.hex}  `}
            <span className="hex-ascii">{line.ascii}</span>
            {"\n"}
          </span>
        ))}
      </pre>
    </div>
  );
}
