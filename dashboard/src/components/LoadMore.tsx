// The end of a list that has more: how many are shown, and the button for the next page.
import { formatCount } from "../format/numbers";

interface LoadMoreProps {
  shown: number;
  total: { total: number; totalIsCapped: boolean } | undefined;
  hasMore: boolean;
  loading: boolean;
  onLoad: () => void;
}

export function LoadMore({ shown, total, hasMore, loading, onLoad }: LoadMoreProps) {
  if (!hasMore) return null;
  return (
    <div className="load-more">
      <button type="button" className="button" onClick={onLoad} disabled={loading}>
        {loading ? "Loading…" : "Load more"}
      </button>
      <span className="muted">
        {formatCount(shown)}
        {total !== undefined && ` of ${formatCount(total.total)}${total.totalIsCapped ? "+" : ""}`} shown
      </span>
    </div>
  );
}
