// What a function was registered with.
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";

import type { RegisteredFunction } from "../api/functions";
import { CopyButton } from "../components/CopyButton";
import { formatCount } from "../format/numbers";
import { formatDuration } from "../format/time";

export function FunctionFacts({ function: one }: { function: RegisteredFunction }) {
  return (
    <dl className="facts card">
      <Fact name="Key">
        <span className="digest">
          <code title={one.key}>{one.key}</code>
          <CopyButton text={one.key} label="key" />
        </span>
      </Fact>
      <Fact name="Arguments">{signatureOf(one)}</Fact>
      {one.trigger !== null && (
        <Fact name={one.type === "cron" ? "Schedule" : "Listens to"}>
          <code>{one.trigger}</code>
          {one.type === "cron" && <span className="muted"> {one.zone}</span>}
        </Fact>
      )}
      <Fact name="Timeout">{formatDuration(one.timeoutMs)}</Fact>
      {one.missedRuns !== null && <Fact name="Missed runs">{MISSED_WORDS[one.missedRuns] ?? one.missedRuns}</Fact>}
      <Fact name="Retries">{retriesOf(one)}</Fact>
      {one.rateLimit !== null && <Fact name="Rate limit">{one.rateLimit}</Fact>}
      {one.maxConcurrency !== null && <Fact name="At once">at most {formatCount(one.maxConcurrency)}</Fact>}
      {one.concurrencyKey !== null && (
        <Fact name="Per key">
          {formatCount(one.keyMaxConcurrency ?? 1)} at once of each <code className="breakable">{one.concurrencyKey}</code>
        </Fact>
      )}
      {one.routingGroup !== null && (
        <Fact name="Group">
          {one.routingGroup}
          {one.groupMaxConcurrency !== null && <span className="muted"> at most {formatCount(one.groupMaxConcurrency)} at once</span>}
        </Fact>
      )}
      {one.cacheKey !== null && (
        <Fact name="Cached by">
          <code className="breakable">{one.cacheKey}</code>
          {one.cacheMs !== null && <span className="muted"> for {formatDuration(one.cacheMs)}</span>}
        </Fact>
      )}
      <Fact name="Workers">
        {one.workerIds.length === 0 ? <span className="absent">none</span> : (
          <ul className="plain-list">
            {one.workerIds.map((id) => (
              <li key={id}>
                <Link to="/jobs" search={{ function: one.key, worker_id: id }} className="breakable id-link" title={`Its jobs on ${id}`}>
                  {id}
                </Link>
              </li>
            ))}
          </ul>
        )}
      </Fact>
    </dl>
  );
}

const MISSED_WORDS: Record<string, string> = { catch_up: "all are caught up on", latest_only: "only the latest is caught up on", skip: "are left out" };

function retriesOf({ maxRetries, retryDelayMs, retryBackoff }: RegisteredFunction): string {
  if (maxRetries === 0) return "none";
  const growing = maxRetries > 1 && retryBackoff !== 1 ? `, then ${formatCount(retryBackoff)} times as long each` : "";
  return `${formatCount(maxRetries)}, first after ${formatDuration(retryDelayMs)}${growing}`;
}

function signatureOf({ parameters }: RegisteredFunction): ReactNode {
  if (parameters === null) return <span className="absent">unknown</span>;
  if (parameters.length === 0) return "none";
  return (
    <ul className="plain-list">
      {parameters.map(({ name, required }) => (
        <li key={name}>
          <code>{name}</code>
          {!required && <span className="muted"> optional</span>}
        </li>
      ))}
    </ul>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
