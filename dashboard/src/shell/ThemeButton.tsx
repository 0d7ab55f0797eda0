// Changes between light, dark, and as the system has it.
import { useSyncExternalStore, type ReactNode } from "react";

import { chooseTheme, readTheme, subscribeToTheme, THEMES, type Theme } from "./theme";

const WORDS: Record<Theme, string> = { system: "as the system", light: "light", dark: "dark" };

const RAYS = "M12 2.5v2.2M12 19.3v2.2M2.5 12h2.2M19.3 12h2.2M5.3 5.3l1.5 1.5M17.2 17.2l1.5 1.5M18.7 5.3l-1.5 1.5M6.8 17.2l-1.5 1.5";

const ICONS: Record<Theme, ReactNode> = {
  system: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 3.5a8.5 8.5 0 0 1 0 17z" fill="currentColor" />
    </>
  ),
  light: (
    <>
      <circle cx="12" cy="12" r="4.2" />
      <path d={RAYS} />
    </>
  ),
  dark: <path d="M20 14.2A8.2 8.2 0 0 1 9.8 4a8.2 8.2 0 1 0 10.2 10.2z" />,
};

export function ThemeButton() {
  const theme = useSyncExternalStore(subscribeToTheme, readTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Colours: ${WORDS[theme]}`}
      title={`Colours: ${WORDS[theme]}. Press for ${WORDS[next]}`}
      onClick={() => {
        chooseTheme(next);
      }}
    >
      <svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
        {ICONS[theme]}
      </svg>
    </button>
  );
}
