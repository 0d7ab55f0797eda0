// The browser's own modal dialog: it keeps the focus, closes with Escape, and gives the focus back.
import { useEffect, useId, useRef, type ReactNode } from "react";

interface DialogProps {
  title: string;
  /** Told to screen readers only: what is in the dialog says it. */
  hideTitle?: boolean;
  className?: string;
  children: ReactNode;
  onClose: () => void;
}

export function Dialog({ title, hideTitle = false, className = "", children, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    // The browser would take the first thing that can have the focus.
    element?.querySelector<HTMLElement>("[data-first-focus]")?.focus();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      className={`dialog ${className}`}
      ref={dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        // Its own surface is covered by what is in it: only the backdrop is left.
        if (event.target === event.currentTarget) onClose();
      }}
      onKeyDown={(event) => {
        // Escape closes the dialog, and nothing behind it.
        event.stopPropagation();
      }}
    >
      <div className="dialog-body">
        <h2 id={titleId} className={hideTitle ? "visually-hidden" : undefined}>
          {title}
        </h2>
        {children}
      </div>
    </dialog>
  );
}
