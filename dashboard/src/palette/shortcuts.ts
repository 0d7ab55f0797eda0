// Which key does what, everywhere. Keys that a page has of its own are told here too, so that the help knows them.
import { PAGES } from "../shell/pages";

export interface Shortcut {
  keys: string;
  does: string;
}

export const SHORTCUTS: { title: string; shortcuts: Shortcut[] }[] = [
  {
    title: "Everywhere",
    shortcuts: [
      { keys: "Ctrl K", does: "Find a page, a function, a job or an artifact" },
      { keys: "/", does: "Search on this page" },
      { keys: "?", does: "This help" },
      { keys: "Esc", does: "Close what is open" },
    ],
  },
  { title: "Pages", shortcuts: PAGES.map(({ letter, label }) => ({ keys: `g ${letter}`, does: label })) },
  {
    title: "Lists",
    shortcuts: [
      { keys: "j / ↓", does: "Next row" },
      { keys: "k / ↑", does: "Row before" },
      { keys: "Enter", does: "Open it" },
      { keys: "x", does: "Select the job of this row" },
    ],
  },
  {
    title: "Viewers",
    shortcuts: [
      { keys: "+ / −", does: "Larger, smaller: images, timelines" },
      { keys: "0", does: "Fit" },
    ],
  },
];

/** True where typing means text. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "range", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
