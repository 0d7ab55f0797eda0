// The functions that workers registered, and how they have been doing.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { functionsQuery, type RegisteredFunction } from "../api/functions";
import { Command, EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { PageHeader } from "../components/PageHeader";
import { SearchBox } from "../components/SearchBox";
import { StatusBadge } from "../components/StatusBadge";
import { TableSkeleton } from "../components/TableSkeleton";
import { TimeAgo } from "../components/TimeAgo";
import { countOf, formatCount, formatPercent } from "../format/numbers";
import { formatDuration } from "../format/time";
import { useDocumentTitle } from "../hooks/useDocumentTitle";

export function FunctionsPage() {
  useDocumentTitle("Functions");
  const { data, error } = useQuery(functionsQuery());
  const [words, setWords] = useState("");
  const shown = data?.filter((one) => `${one.name} ${one.key}`.toLowerCase().includes(words.toLowerCase()));
  return (
    <>
      <PageHeader title="Functions" note={data !== undefined && countOf(data.length, "function")}>
        {data !== undefined && data.length > 0 && (
          <SearchBox label="Search functions" placeholder="Search functions" value={words} onChange={setWords} />
        )}
      </PageHeader>
      <ErrorNotice error={error} wanted="the functions" showsOlder={data !== undefined} />
      {data === undefined && error === null && <TableSkeleton />}
      {data?.length === 0 && (
        <EmptyState title="No functions yet">
          <p>Functions appear as soon as a worker that has them starts:</p>
          <Command>upnext run tasks.py</Command>
        </EmptyState>
      )}
      {shown !== undefined && shown.length > 0 && <FunctionTable functions={shown} />}
      {shown?.length === 0 && data !== undefined && data.length > 0 && (
        <EmptyState title="No function matches">
          <p>No name holds “{words}”.</p>
        </EmptyState>
      )}
    </>
  );
}

function FunctionTable({ functions }: { functions: RegisteredFunction[] }) {
  return (
    <div className="table-frame">
      <table className="table">
        <caption className="visually-hidden">Registered functions, with figures of the last 24 hours</caption>
        <thead>
          <tr>
            <th scope="col">Function</th>
            <th scope="col" className="column-number wide-only">
              Runs, 24 h
            </th>
            <th scope="col" className="column-number wide-only">
              Success
            </th>
            <th scope="col" className="column-number wide-only">
              Average
            </th>
            <th scope="col" className="column-number wide-only">
              p95
            </th>
            <th scope="col" className="column-number wide-only">
              Waiting
            </th>
            <th scope="col" className="column-time wide-only">
              Last run
            </th>
            <th scope="col" className="column-status">
              Outcome
            </th>
          </tr>
        </thead>
        <tbody>
          {functions.map((one) => (
            <FunctionRow key={one.key} function={one} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function FunctionRow({ function: one }: { function: RegisteredFunction }) {
  return (
    <tr className="row-link">
      <td className="cell-name">
        <Link to="/functions/$functionKey" params={{ functionKey: one.key }} className="row-target" title={one.key}>
          {one.name}
        </Link>
        {one.type !== "task" && <span className="tag">{one.type}</span>}
        {one.trigger !== null && <code className="muted trigger">{one.trigger}</code>}
        {one.paused && <span className="tag tag-warning">paused</span>}
        {!one.active && <span className="tag">no worker</span>}
      </td>
      <td className="column-number wide-only">{formatCount(one.runs24h)}</td>
      <td className="column-number wide-only">{one.successPercent === null ? "–" : formatPercent(one.successPercent)}</td>
      <td className="column-number wide-only">
        {one.averageDurationMs === null ? "–" : formatDuration(one.averageDurationMs)}
      </td>
      <td className="column-number wide-only">{one.p95DurationMs === null ? "–" : formatDuration(one.p95DurationMs)}</td>
      <td className="column-number wide-only">{formatCount(one.backlog)}</td>
      <td className="column-time wide-only">
        <TimeAgo date={one.lastRunAt} />
      </td>
      <td>{one.lastRunStatus === null ? <span className="absent">–</span> : <StatusBadge status={one.lastRunStatus} />}</td>
    </tr>
  );
}
