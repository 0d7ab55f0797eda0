// A moment, told relative to now; the exact local time is in the title.
import { exactTime, relativeTime } from "../format/time";
import { useNow } from "../hooks/useNow";

export function TimeAgo({ date }: { date: Date | null }) {
  const now = useNow();
  if (date === null) return <span className="absent">–</span>;
  return (
    <time dateTime={date.toISOString()} title={exactTime(date)}>
      {relativeTime(date, now)}
    </time>
  );
}
