// An image: fitted into its place, or larger and smaller by button and keyboard.
import { useState } from "react";

import { NoPreview } from "../NoPreview";

const ZOOMS = [0.1, 0.25, 0.5, 1, 2, 4, 8] as const;

export function ImageView({ src, name }: { src: string; name: string }) {
  const [broken, setBroken] = useState(false);
  const [natural, setNatural] = useState<{ width: number; height: number } | null>(null);
  /** Null: fitted. */
  const [zoom, setZoom] = useState<number | null>(null);
  if (broken) return <NoPreview reason="The browser can’t read this image. Download it instead." />;
  const step = (direction: 1 | -1): void => {
    const now = zoom ?? 1;
    const next = direction === 1 ? ZOOMS.find((one) => one > now) : ZOOMS.findLast((one) => one < now);
    setZoom(zoom === null ? 1 : (next ?? now));
  };
  const onKey = (event: React.KeyboardEvent): void => {
    if (event.key === "+" || event.key === "=") step(1);
    else if (event.key === "-") step(-1);
    else if (event.key === "0") setZoom(null);
  };
  return (
    <div className="viewer">
      <div className="viewer-bar">
        <div className="segmented" role="group" aria-label="Zoom">
          <button type="button" aria-pressed={zoom === null} onClick={() => { setZoom(null); }}>
            Fit
          </button>
          <button type="button" aria-pressed={zoom === 1} onClick={() => { setZoom(1); }}>
            100 %
          </button>
          <button type="button" aria-label="Smaller" onClick={() => { step(-1); }}>
            −
          </button>
          <button type="button" aria-label="Larger" onClick={() => { step(1); }}>
            +
          </button>
        </div>
        <span className="muted" role="status">
          {natural !== null && `${natural.width} × ${natural.height}`}
          {zoom !== null && zoom !== 1 && ` at ${Math.round(zoom * 100)} %`}
        </span>
      </div>
      <div
        className={zoom === null ? "preview-image" : "preview-image preview-image-zoomed"}
        tabIndex={0}
        role="group"
        aria-label={`Image ${name}; plus and minus zoom, 0 fits`}
        onKeyDown={onKey}
      >
        <img
          src={src}
          alt={name}
          loading="lazy"
          {...(zoom !== null && natural !== null && { width: Math.max(1, Math.round(natural.width * zoom)) })}
          onLoad={(event) => {
            setNatural({ width: event.currentTarget.naturalWidth, height: event.currentTarget.naturalHeight });
          }}
          onError={() => {
            setBroken(true);
          }}
        />
      </div>
    </div>
  );
}
