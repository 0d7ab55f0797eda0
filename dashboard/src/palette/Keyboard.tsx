// Listens to the keys of the whole page, and opens the palette and the help.
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useEffectEvent, useRef, useState } from "react";

import { PAGES } from "../shell/pages";
import { isTyping } from "./shortcuts";

const Palette = lazy(async () => ({ default: (await import("./Palette")).Palette }));
const ShortcutHelp = lazy(async () => ({ default: (await import("./ShortcutHelp")).ShortcutHelp }));

/** A letter after a g counts for so long. */
const SEQUENCE_MS = 1_200;

export function Keyboard() {
  const [open, setOpen] = useState<"palette" | "help" | null>(null);
  const navigate = useNavigate();
  const waitsSince = useRef(-Infinity);
  const press = useEffectEvent((event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      setOpen("palette");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
    const afterG = Date.now() - waitsSince.current < SEQUENCE_MS;
    waitsSince.current = event.key === "g" ? Date.now() : -Infinity;
    const page = PAGES.find(({ letter }) => letter === event.key);
    if (afterG && page !== undefined) {
      event.preventDefault();
      void navigate({ to: page.to });
    } else if (event.key === "?") {
      event.preventDefault();
      setOpen("help");
    } else if (event.key === "/") {
      const box = document.querySelector<HTMLInputElement>("main input[type=search]");
      if (box === null) return;
      event.preventDefault();
      box.focus();
      box.select();
    }
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      press(event);
    };
    document.addEventListener("keydown", listen);
    return () => {
      document.removeEventListener("keydown", listen);
    };
  }, []);
  const close = (): void => {
    setOpen(null);
  };
  return (
    <>
      <button
        type="button"
        className="palette-button"
        onClick={() => {
          setOpen("palette");
        }}
      >
        <span className="palette-button-text">Find…</span>
        <kbd>{/Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <Suspense>
        {open === "palette" && (
          <Palette
            onClose={close}
            onHelp={() => {
              setOpen("help");
            }}
          />
        )}
        {open === "help" && <ShortcutHelp onClose={close} />}
      </Suspense>
    </>
  );
}
