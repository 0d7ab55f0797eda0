// Whether an element has come into sight yet, or close to it. Once seen it stays so.
import { useEffect, useState, type RefObject } from "react";

/** How far outside of the window something counts as seen: about two rows of tiles. */
const AHEAD = "400px";

export function useSeen(element: RefObject<Element | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (target === null || seen) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
      },
      { rootMargin: AHEAD },
    );
    observer.observe(target);
    return () => {
      observer.disconnect();
    };
  }, [element, seen]);
  return seen;
}
