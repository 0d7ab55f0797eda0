// The rows of a table that are out of sight, as room. One cell is enough, and does not bring back columns that are hidden.

export function RowGap({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" className="row-gap">
      <td style={{ height }} />
    </tr>
  );
}
