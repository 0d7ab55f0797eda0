// Tells when the server is away. It floats, so that nothing jumps; queries keep trying by themselves.
import { useSyncExternalStore } from "react";

import { readConnection, subscribeToConnection } from "../api/connection";

export function ConnectionBanner() {
  const connection = useSyncExternalStore(subscribeToConnection, readConnection);
  return (
    <div role="status" className="banner-place">
      {connection === "unreachable" && (
        <p className="banner">
          <strong>The UpNext server does not answer.</strong> What you see may be old. Trying again every few seconds; start
          it with <code>upnext server start</code>.
        </p>
      )}
    </div>
  );
}
