// Grey lines where rows will be, so that the first answer does not make the page jump.

export function TableSkeleton() {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {[0, 1, 2, 3, 4, 5].map((line) => (
        <div key={line} className="skeleton-line" />
      ))}
    </div>
  );
}
