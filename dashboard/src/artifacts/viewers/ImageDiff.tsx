// Two images: side by side, or one over the other with a slider between them.
import { useState } from "react";

import { artifactContentUrl, type DifferenceOf } from "../../api/artifactContent";
import { Segmented } from "../../components/Segmented";
import { formatPercent } from "../../format/numbers";

interface ImageDiffProps {
  ids: { olderId: string; newerId: string };
  difference: DifferenceOf<"image">;
}

const VIEWS = [
  ["slider", "Slider"],
  ["beside", "Side by side"],
] as const;

export function ImageDiff({ ids, difference }: ImageDiffProps) {
  const [view, setView] = useState<"slider" | "beside">("slider");
  const older = artifactContentUrl(ids.olderId);
  const newer = artifactContentUrl(ids.newerId);
  return (
    <>
      <p>
        {sizeOf(difference.old)} before, {sizeOf(difference.new)} after.{" "}
        {difference.differing_share !== null && `${formatPercent(difference.differing_share * 100)} of the pixels differ.`}
        {typeof difference.note === "string" && <span className="muted">{difference.note}</span>}
      </p>
      <div className="viewer-bar">
        <Segmented label="View" value={view} choices={VIEWS} onChange={setView} />
      </div>
      {view === "slider" ? (
        <Slider older={older} newer={newer} />
      ) : (
        <div className="image-beside">
          <figure>
            <img src={older} alt="Before" />
            <figcaption>Before</figcaption>
          </figure>
          <figure>
            <img src={newer} alt="After" />
            <figcaption>After</figcaption>
          </figure>
        </div>
      )}
    </>
  );
}

function Slider({ older, newer }: { older: string; newer: string }) {
  const [share, setShare] = useState(50);
  return (
    <div className="image-slider">
      <div className="image-stack">
        <img src={newer} alt="After" />
        {/* Set through the style object, which the strict Content-Security-Policy allows. */}
        <img src={older} alt="Before" style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }} />
        <span className="image-divider" style={{ left: `${share}%` }} aria-hidden="true" />
      </div>
      <label>
        <span className="muted">Before</span>
        <input
          type="range"
          min={0}
          max={100}
          value={share}
          aria-label="How much of the image before is shown"
          onChange={(event) => {
            setShare(Number(event.target.value));
          }}
        />
        <span className="muted">After</span>
      </label>
    </div>
  );
}

function sizeOf({ width, height, format }: { width: number; height: number; format: string }): string {
  return `${width} × ${height} ${format.toUpperCase()}`;
}
