// In the place of a preview: why there is none.

export function NoPreview({ reason }: { reason: string }) {
  return (
    <div className="preview-none">
      <strong>No preview</strong>
      <p>{reason}</p>
    </div>
  );
}
