// Whether the page changes by itself as things happen, or asks every few seconds.
import { useFeedIsOpen } from "../hooks/useFeed";

export function LiveMark() {
  const open = useFeedIsOpen();
  return (
    <span
      className="status live-mark"
      data-job-status={open ? "complete" : "pending"}
      title={open ? "What happens shows at once" : "The stream of events is away: this page asks every few seconds"}
    >
      <span className="status-dot" aria-hidden="true" />
      {open ? "live" : "every few seconds"}
    </span>
  );
}
