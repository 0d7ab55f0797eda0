// What the server runs with: its health, its settings with secrets hidden, and what is kept how long.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { artifactStatsQuery } from "../api/artifactStats";
import { isMissingCall } from "../api/client";
import { healthQuery } from "../api/health";
import { authStatusQuery, signOutMutation } from "../api/session";
import { readinessQuery, settingsQuery } from "../api/settings";
import { ErrorNotice } from "../components/ErrorNotice";
import { FailedAction } from "../components/FailedAction";
import { PageHeader } from "../components/PageHeader";
import { Panel } from "../components/Panel";
import { TableSkeleton } from "../components/TableSkeleton";
import { formatBytes, formatCount } from "../format/numbers";
import { useDocumentTitle } from "../hooks/useDocumentTitle";
import { FactList } from "../settings/FactList";
import { SettingsTable } from "../settings/SettingsTable";

export function SettingsPage() {
  useDocumentTitle("Settings");
  const { data, error } = useQuery(settingsQuery());
  return (
    <>
      <PageHeader title="Settings">
        <SignOut />
      </PageHeader>
      <div className="panels">
        <Health />
        <Kept />
        {data !== undefined && Object.keys(data.backend).length > 0 && (
          <Panel title="Backend">
            <FactList facts={data.backend} />
          </Panel>
        )}
        {data !== undefined && Object.keys(data.storage).length > 0 && (
          <Panel title="Storage">
            <FactList facts={data.storage} />
          </Panel>
        )}
      </div>
      <h2 className="page-section">Configuration</h2>
      {isMissingCall(error) ? (
        <p className="muted">This server is older than the dashboard and does not tell its settings. Update it to see them here.</p>
      ) : (
        <ErrorNotice error={error} wanted="the settings" showsOlder={data !== undefined} />
      )}
      {data === undefined && error === null && <TableSkeleton />}
      {data !== undefined && <SettingsTable settings={data.settings} />}
    </>
  );
}

function Health() {
  const { data, error } = useQuery(readinessQuery());
  const health = useQuery(healthQuery());
  return (
    <Panel title="Health">
      <ErrorNotice error={error} wanted="the health" showsOlder={data !== undefined} />
      {data !== undefined && (
        <ul className="checks">
          <li>
            <Check name="Server" state={data.ready ? "ok" : (data.detail ?? "not ready")} />
            <span className="muted">{health.data !== undefined && `version ${health.data.version}`}</span>
          </li>
          {Object.entries(data.checks).map(([part, state]) => (
            <li key={part}>
              <Check name={part} state={state} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Check({ name, state }: { name: string; state: string }) {
  const ok = state === "ok";
  return (
    <>
      <span className="status" data-job-status={ok ? "complete" : "failed"}>
        <span className="status-dot" aria-hidden="true" />
        {ok ? "ok" : "failing"}
      </span>
      <span className="check-name">{name}</span>
      {!ok && <span className="breakable">{state}</span>}
    </>
  );
}

function Kept() {
  const { data, error } = useQuery(artifactStatsQuery());
  return (
    <Panel title="Artifacts kept">
      <ErrorNotice error={error} wanted="what is kept" showsOlder={data !== undefined} />
      {data !== undefined && (
        <FactList
          facts={{
            artifacts: formatCount(data.count),
            versions: formatCount(data.versions),
            "size of all": formatBytes(data.logicalBytes),
            "stored in": formatBytes(data.storedBytes),
            "kept once": data.logicalBytes > data.storedBytes ? `${formatBytes(data.logicalBytes - data.storedBytes)} are equal to others` : "no two are equal",
          }}
        />
      )}
    </Panel>
  );
}

function SignOut() {
  const { data } = useQuery(authStatusQuery());
  const client = useQueryClient();
  const signOut = useMutation(signOutMutation(client));
  if (data?.enabled !== true) return null;
  return (
    <>
      <button
        type="button"
        className="button"
        disabled={signOut.isPending}
        onClick={() => {
          signOut.mutate();
        }}
      >
        Sign out
      </button>
      <FailedAction error={signOut.error} title="You were not signed out" />
    </>
  );
}
