// Which rows of a long table are in sight, or close to it: only those need to be in the page. All rows are equally high.
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useState, type RefObject } from "react";

/** The next page is asked for when so few rows are left. */
const ROWS_AHEAD = 30;
const OVERSCAN = 20;

interface RowsInSight {
  /** Their places among all rows. */
  indexes: number[];
  /** The height of those that are left out before and after them. */
  before: number;
  after: number;
}

export function useRowsInSight(frame: RefObject<HTMLElement | null>, count: number, rowHeight: number, onNearEnd: () => void): RowsInSight {
  const [top, setTop] = useState(0);
  useEffect(() => {
    // Whatever comes and goes above the table changes the height of the page, too.
    const observer = new ResizeObserver(() => {
      setTop((frame.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    });
    observer.observe(document.body);
    return () => {
      observer.disconnect();
    };
  }, [frame]);
  const rows = useWindowVirtualizer({ count, estimateSize: () => rowHeight, overscan: OVERSCAN, scrollMargin: top });
  useEffect(() => {
    rows.measure();
  }, [rows, rowHeight]);
  const shown = rows.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (lastShown >= count - ROWS_AHEAD) onNearEnd();
  }, [lastShown, count, onNearEnd]);
  return {
    indexes: shown.map(({ index }) => index),
    before: (shown[0]?.start ?? top) - top,
    after: rows.getTotalSize() - ((shown.at(-1)?.end ?? top) - top),
  };
}
