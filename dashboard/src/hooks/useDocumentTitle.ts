// The browser tab's title, per page.
import { useEffect } from "react";

export function useDocumentTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · UpNext`;
  }, [title]);
}
