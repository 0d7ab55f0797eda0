// Why a query gave nothing, in the server's own words.
import { ApiError } from "../api/client";

interface ErrorNoticeProps {
  error: Error | null;
  /** What was asked for, such as "the jobs". */
  wanted: string;
  /** True while the last good answer is still on the page: then a server that is away is the banner's matter. */
  showsOlder?: boolean;
}

export function ErrorNotice({ error, wanted, showsOlder = false }: ErrorNoticeProps) {
  if (error === null) return null;
  const away = error instanceof ApiError && error.failure === "unreachable";
  if (away && showsOlder) return null;
  return (
    <div className={away ? "notice notice-waiting" : "notice"} role="alert">
      <strong>{away ? `Waiting for ${wanted}` : `Can’t show ${wanted}`}</strong>
      <p>{error.message}</p>
    </div>
  );
}
