// The log of a job: followed at its end unless the reader scrolls up, searched, and narrowed down by level.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState } from "react";

import { toJsonText } from "../../api/json";
import type { LogLine } from "../../api/jobHistory";
import { isFinished, type Job } from "../../api/jobs";
import { CopyButton } from "../../components/CopyButton";
import { EmptyState, Command } from "../../components/EmptyState";
import { ErrorNotice } from "../../components/ErrorNotice";
import { SearchBox } from "../../components/SearchBox";
import { Segmented } from "../../components/Segmented";
import { countOf } from "../../format/numbers";
import { clockTime, exactTime } from "../../format/time";
import { filterLines, marked, rankOf, textOf, type LogLevel } from "./logFilter";
import { useJobLog } from "./useJobLog";

const LEVELS = [
  ["debug", "All"],
  ["info", "Info"],
  ["warning", "Warnings"],
  ["error", "Errors"],
] as const;

export function JobLogs({ job }: { job: Job }) {
  const log = useJobLog(job.id, isFinished(job));
  const [level, setLevel] = useState<LogLevel>("debug");
  const [words, setWords] = useState("");
  const lines = filterLines(log.lines, level, words);
  if (log.read && log.lines.length === 0) return <NoLog finished={isFinished(job)} />;
  return (
    <div className="logs">
      <div className="logs-bar">
        <SearchBox label="Search the log" placeholder="Search the log" value={words} onChange={setWords} />
        <Segmented label="Level" value={level} choices={LEVELS} onChange={setLevel} />
        <span className="muted" role="status">
          {lines.length === log.lines.length ? countOf(lines.length, "line") : `${countOf(lines.length, "line")} of ${log.lines.length.toLocaleString()}`}
        </span>
        <CopyButton text={() => lines.map((line) => `${line.at.toISOString()} ${line.level.toUpperCase()} ${textOf(line)}`).join("\n")} label="the lines shown" />
      </div>
      <ErrorNotice error={log.error} wanted="the log" showsOlder={log.read} />
      {log.dropped && <p className="code-note">The oldest lines are not kept here.</p>}
      {!log.read && log.error === null ? <div className="preview-wait" role="status" aria-label="Loading" /> : <Lines lines={lines} words={words} follows={!isFinished(job)} />}
    </div>
  );
}

const NEAR_END_PX = 24;

function Lines({ lines, words, follows }: { lines: LogLine[]; words: string; follows: boolean }) {
  const frame = useRef<HTMLDivElement>(null);
  const [pinned, setPinned] = useState(follows);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => 22,
    overscan: 20,
    getItemKey: (index) => lines[index]?.sequence ?? index,
  });
  const { length } = lines;
  useLayoutEffect(() => {
    if (pinned && length > 0) rows.scrollToIndex(length - 1, { align: "end" });
  }, [rows, pinned, length]);
  return (
    <div className="logs-place">
      <div
        className="log-lines"
        ref={frame}
        tabIndex={0}
        role="log"
        aria-label="Log"
        aria-live="off"
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          setPinned(follows && scrollHeight - scrollTop - clientHeight <= NEAR_END_PX);
        }}
      >
        <div className="log-length" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ key, index, start }) => {
            const line = lines[index];
            return (
              line !== undefined && (
                <div key={key} data-index={index} ref={rows.measureElement} className="log-row" style={{ transform: `translateY(${start}px)` }}>
                  <Line line={line} words={words} />
                </div>
              )
            );
          })}
        </div>
      </div>
      {follows && !pinned && (
        <button
          type="button"
          className="button button-small live-end"
          onClick={() => {
            setPinned(true);
          }}
        >
          Jump to the end
        </button>
      )}
    </div>
  );
}

const RANK_NAMES = ["debug", "info", "warning", "error"] as const;

function Line({ line, words }: { line: LogLine; words: string }) {
  return (
    <div className="log-line" data-level={RANK_NAMES[rankOf(line.level)]}>
      <time dateTime={line.at.toISOString()} title={`${exactTime(line.at)}, attempt ${line.attempt}`}>
        {clockTime(line.at)}
      </time>
      <span className="log-level">{line.level}</span>
      <span className="log-message">
        <Marked text={line.message} words={words} />
        {line.extra !== null && (
          <span className="log-extra">
            {" "}
            <Marked text={toJsonText(line.extra)} words={words} />
          </span>
        )}
      </span>
    </div>
  );
}

function Marked({ text, words }: { text: string; words: string }) {
  return marked(text, words).map((piece, index) => (piece.hit ? <mark key={index}>{piece.text}</mark> : piece.text));
}

function NoLog({ finished }: { finished: boolean }) {
  return (
    <EmptyState title={finished ? "This job logged nothing" : "Nothing logged yet"}>
      <p>Inside a task, the context has a log:</p>
      <Command>{`upnext.get_current_context().send_log("info", "loaded", rows=42)`}</Command>
    </EmptyState>
  );
}
