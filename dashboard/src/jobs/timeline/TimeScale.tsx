// The scale above a timeline. Dragging over it chooses what to look at more closely.
import { useRef, useState } from "react";

import { useNarrow } from "../../hooks/useNarrow";
import { momentAt, placeOf, tickLabel, ticksOf, type Span } from "./timeScale";

const LEAST_DRAG = 0.01;

export function TimeScale({ span, onSelect }: { span: Span; onSelect: (span: Span) => void }) {
  const narrow = useNarrow();
  const track = useRef<HTMLDivElement>(null);
  /** The begin and the end of the drag, as shares of the width. */
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const shareOf = (event: React.PointerEvent): number => {
    const box = track.current?.getBoundingClientRect();
    return box === undefined || box.width === 0 ? 0 : Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const finish = (): void => {
    if (drag !== null && Math.abs(drag[1] - drag[0]) > LEAST_DRAG) {
      onSelect({ from: momentAt(Math.min(...drag), span), to: momentAt(Math.max(...drag), span) });
    }
    setDrag(null);
  };
  return (
    <div className="timeline-scale" aria-hidden="true">
      <span className="timeline-name" />
      <div
        className="timeline-track"
        ref={track}
        title="Drag to look closer"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag([shareOf(event), shareOf(event)]);
        }}
        onPointerMove={(event) => {
          if (drag !== null) setDrag([drag[0], shareOf(event)]);
        }}
        onPointerUp={finish}
        onPointerCancel={() => {
          setDrag(null);
        }}
      >
        {ticksOf(span, narrow ? 2 : 6).map((tick) => (
          <span key={tick.at} className="timeline-tick" style={{ left: `${placeOf(tick.at, span)}%` }}>
            {tickLabel(tick)}
          </span>
        ))}
        {drag !== null && (
          <span className="timeline-drag" style={{ left: `${100 * Math.min(...drag)}%`, width: `${100 * Math.abs(drag[1] - drag[0])}%` }} />
        )}
      </div>
    </div>
  );
}
