// In the place of a viewer whose file can't be fetched any more.

export function ViewerGone() {
  return (
    <div className="preview-none">
      <strong>This view can’t be loaded</strong>
      <p>The server may have been updated since this page was opened. Reload the page.</p>
    </div>
  );
}
