// The last resort when a page itself breaks: say so, and offer the way back.
import type { ErrorComponentProps } from "@tanstack/react-router";

export function PageCrash({ error, reset }: ErrorComponentProps) {
  return (
    <div className="notice" role="alert">
      <strong>This page broke</strong>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <button type="button" className="button" onClick={reset}>
        Try again
      </button>
    </div>
  );
}
