// The palette: one box that finds pages, functions, jobs by id, and artifacts by their words.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, type LinkProps } from "@tanstack/react-router";
import { useDeferredValue, useId, useState } from "react";

import { artifactsFoundQuery } from "../api/artifacts";
import { functionsQuery } from "../api/functions";
import { newestJobsQuery } from "../api/jobs";
import { Dialog } from "../components/Dialog";
import { chooseTheme, THEMES } from "../shell/theme";
import { paletteEntries, type Command, type PaletteEntry } from "./paletteEntries";

interface PaletteProps {
  onClose: () => void;
  onHelp: () => void;
}

export function Palette({ onClose, onHelp }: PaletteProps) {
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const navigate = useNavigate();
  const listId = useId();
  const words = useDeferredValue(typed.trim());
  const functions = useQuery(functionsQuery());
  const jobs = useQuery({ ...newestJobsQuery({}, 100), refetchInterval: false });
  const artifacts = useQuery(artifactsFoundQuery(words));
  const entries = paletteEntries(words, {
    functions: functions.data ?? [],
    jobs: jobs.data?.items ?? [],
    artifacts: words === "" ? [] : (artifacts.data?.items ?? []),
  });
  const at = Math.min(chosen, Math.max(0, entries.length - 1));
  const obey = (command: Command): void => {
    const theme = THEMES.find((one) => command === `theme-${one}`);
    if (theme === undefined) onHelp();
    else chooseTheme(theme);
  };
  const run = (entry: PaletteEntry | undefined): void => {
    if (entry === undefined) return;
    onClose();
    if ("command" in entry.target) obey(entry.target.command);
    else void navigate(entry.target as LinkProps);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setChosen((at + step + entries.length) % Math.max(1, entries.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(entries[at]);
    }
  };
  return (
    <Dialog title="Find anything" hideTitle className="palette" onClose={onClose}>
      <input
        className="palette-input"
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={entries.length > 0 ? `${listId}-${at}` : undefined}
        aria-label="Find a page, a function, a job or an artifact"
        placeholder="Page, function, job id, artifact…"
        autoComplete="off"
        spellCheck={false}
        autoFocus
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul className="palette-list" role="listbox" id={listId} aria-label="Found">
        {entries.map((entry, index) => (
          <li
            key={entry.id}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === at}
            ref={index === at ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
            onClick={() => {
              run(entry);
            }}
          >
            <span className="palette-kind">{entry.kind}</span>
            <span className="palette-title">{entry.title}</span>
            {entry.note !== undefined && <span className="muted palette-note">{entry.note}</span>}
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p className="palette-none muted">{artifacts.isFetching ? "Looking…" : "Nothing found. A job is found by its id."}</p>}
    </Dialog>
  );
}
