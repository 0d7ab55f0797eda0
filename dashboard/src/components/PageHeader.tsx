// The top of a page: its name, a short line beside it, and room for controls.
import type { ReactNode } from "react";

interface PageHeaderProps {
  title: string;
  note?: ReactNode;
  children?: ReactNode;
}

export function PageHeader({ title, note, children }: PageHeaderProps) {
  return (
    <div className="page-header">
      <h1>{title}</h1>
      {note !== undefined && <span className="page-note">{note}</span>}
      {children}
    </div>
  );
}
