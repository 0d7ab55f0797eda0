// How many bytes all artifacts have, and how many are kept for them.
import { useQuery } from "@tanstack/react-query";

import { artifactStatsQuery } from "../api/artifactStats";
import { formatBytes } from "../format/numbers";

export function StoredBytes() {
  const { data } = useQuery(artifactStatsQuery());
  if (data === undefined || data.logicalBytes === 0) return null;
  const logical = formatBytes(data.logicalBytes);
  const stored = formatBytes(data.storedBytes);
  return (
    <span className="page-note" title="All versions together; the same content is stored once">
      {logical === stored ? logical : `${logical}, stored in ${stored}`}
    </span>
  );
}
