// Every setting with its value and where it comes from. What is set by hand can be looked at alone.
import { useState } from "react";

import type { Setting } from "../api/settings";
import { EmptyState } from "../components/EmptyState";
import { SearchBox } from "../components/SearchBox";
import { Segmented } from "../components/Segmented";

const CHOICES = [
  ["all", "All"],
  ["set", "Set by hand"],
] as const;

export function SettingsTable({ settings }: { settings: Setting[] }) {
  const [words, setWords] = useState("");
  const [which, setWhich] = useState<"all" | "set">("all");
  const shown = settings.filter((one) => one.name.toLowerCase().includes(words.toLowerCase()) && (which === "all" || one.source !== "default"));
  return (
    <>
      <div className="filters">
        <SearchBox label="Search settings" placeholder="Search settings" value={words} onChange={setWords} />
        <Segmented label="Settings" value={which} choices={CHOICES} onChange={setWhich} />
      </div>
      {shown.length === 0 ? <EmptyState title="No setting matches" /> : (
        <div className="table-frame">
          <table className="table">
            <caption className="visually-hidden">Settings of the server</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Value</th>
                <th scope="col" className="column-type">
                  From
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((setting) => (
                <tr key={setting.name}>
                  <td>
                    <code title={setting.name}>{setting.name}</code>
                  </td>
                  <td title={setting.value ?? undefined}>
                    {setting.value === null ? <span className="absent">not set</span> : <code>{setting.value}</code>}
                    {setting.secret && <span className="tag">secret</span>}
                  </td>
                  <td className="muted">{setting.source}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
