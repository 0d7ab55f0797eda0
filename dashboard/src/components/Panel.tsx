// A titled box of a page, with room for controls beside the title.
import { useId, type ReactNode } from "react";

interface PanelProps {
  title: string;
  /** Beside the title: a link to more, a choice. */
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}

export function Panel({ title, aside, className = "", children }: PanelProps) {
  const id = useId();
  return (
    <section className={`card panel ${className}`} aria-labelledby={id}>
      <header className="panel-header">
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
