// What a page says while it has nothing to show, and what to do next.
import type { ReactNode } from "react";

interface EmptyStateProps {
  title: string;
  children?: ReactNode;
}

export function EmptyState({ title, children }: EmptyStateProps) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A command to type, on its own line. */
export function Command({ children }: { children: string }) {
  return (
    <pre className="command" tabIndex={0} role="group" aria-label="Command">
      {children}
    </pre>
  );
}
