// How many of a worker's slots are taken: one cell per slot while they can be told apart, else one bar.
import { formatCount } from "../format/numbers";

interface SlotBarProps {
  busy: number;
  slots: number;
  /** More slots than this are one bar. */
  mostCells?: number;
}

export function SlotBar({ busy, slots, mostCells = 32 }: SlotBarProps) {
  const label = `${formatCount(busy)} of ${formatCount(slots)} slots busy`;
  if (slots > mostCells || slots === 0) {
    return <meter className="slot-meter" min={0} max={Math.max(1, slots)} value={Math.min(busy, slots)} aria-label={label} title={label} />;
  }
  return (
    <span className="slots" role="img" aria-label={label} title={label}>
      {Array.from({ length: slots }, (_, slot) => (
        <span key={slot} className={slot < busy ? "slot slot-busy" : "slot"} />
      ))}
    </span>
  );
}
