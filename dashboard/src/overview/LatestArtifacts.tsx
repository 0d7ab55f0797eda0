// The newest artifacts as a strip of tiles.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { newestArtifactsQuery } from "../api/artifacts";
import { ArtifactTile } from "../artifacts/ArtifactTile";
import { ErrorNotice } from "../components/ErrorNotice";
import { Panel } from "../components/Panel";
import { useLiveArtifacts } from "../hooks/useLiveArtifacts";

const SHOWN = 8;

export function LatestArtifacts() {
  useLiveArtifacts();
  const { data, error } = useQuery(newestArtifactsQuery(SHOWN));
  return (
    <Panel title="Latest artifacts" className="panel-wide" aside={<Link to="/artifacts">All artifacts</Link>}>
      <ErrorNotice error={error} wanted="the artifacts" showsOlder={data !== undefined} />
      {data?.items.length === 0 && (
        <p className="panel-absent">
          None yet. A task keeps what it makes with <code>await upnext.create_artifact(name, data)</code>.
        </p>
      )}
      {data !== undefined && data.items.length > 0 && (
        <ul className="tiles tiles-strip">
          {data.items.map((artifact) => (
            <li key={artifact.id}>
              <ArtifactTile artifact={artifact} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
