// Copies a text, and says that it did.
import { useEffect, useState } from "react";

interface CopyButtonProps {
  /** A function when making the text takes a while. */
  text: string | (() => string);
  /** What is copied, for people who do not see where the button stands. */
  label: string;
  /** What the button says; "Copy" beside the thing itself. */
  caption?: string;
}

export function CopyButton({ text, label, caption = "Copy" }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<"copied" | "failed" | null>(null);
  useEffect(() => {
    if (outcome === null) return;
    const timer = setTimeout(() => {
      setOutcome(null);
    }, 1_500);
    return () => {
      clearTimeout(timer);
    };
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await writeClipboard(typeof text === "string" ? text : text());
      setOutcome("copied");
    } catch {
      setOutcome("failed");
    }
  };
  return (
    <button type="button" className="button button-small" aria-label={`Copy ${label}`} onClick={copy}>
      <span aria-live="polite">{outcome === "copied" ? "Copied" : outcome === "failed" ? "Can’t copy" : caption}</span>
    </button>
  );
}

/** Browsers give `navigator.clipboard` to https and localhost only; a server on the local network has neither. */
async function writeClipboard(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way outside a secure context
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser refused");
}
