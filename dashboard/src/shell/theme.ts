// Light, dark, or as the system has it: kept in the browser, and told to the style sheets by one attribute.

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "upnext.theme";
const listeners = new Set<() => void>();
let theme: Theme = "system";

/** Takes up what was chosen last, before anything is drawn. */
export function beginTheme(): void {
  try {
    const kept = localStorage.getItem(KEY);
    apply(THEMES.find((one) => one === kept) ?? "system");
  } catch {
    // A browser may refuse storage: then a choice lasts as long as the page.
  }
}

export function chooseTheme(next: Theme): void {
  apply(next);
  try {
    if (next === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // As above.
  }
  for (const listener of listeners) listener();
}

export function readTheme(): Theme {
  return theme;
}

export function subscribeToTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function apply(next: Theme): void {
  theme = next;
  if (next === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = next;
}
