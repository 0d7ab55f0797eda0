// What is in an archive, as the archive says.
import type { PreviewOf } from "../../api/artifactContent";
import { countOf, formatBytes, formatCount } from "../../format/numbers";

type Archive = PreviewOf<"archive">;

const MARKS: Record<Archive["entries"][number]["type"], string> = { file: "", folder: "folder", link: "link", other: "special" };

export function ArchiveList({ archive, label }: { archive: Archive; label: string }) {
  const total = archive.total_entries;
  return (
    <div className="viewer">
      <p className="code-note">
        {archive.format}, {total === null ? "entries not counted" : countOf(total, "entry").replace("entrys", "entries")}
        {archive.truncated && `; the first ${formatCount(archive.entries.length)} are shown`}.
      </p>
      {typeof archive.note === "string" && <p className="code-note">{archive.note}</p>}
      <div className="grid-frame" tabIndex={0} role="group" aria-label={label}>
        <table className="grid">
          <thead>
            <tr>
              <th scope="col">Path</th>
              <th scope="col" className="grid-numeric">
                Size
              </th>
              <th scope="col" className="grid-numeric">
                Packed
              </th>
            </tr>
          </thead>
          <tbody>
            {archive.entries.map((entry, index) => (
              <tr key={index}>
                <td>
                  {entry.path} {MARKS[entry.type] !== "" && <span className="tag">{MARKS[entry.type]}</span>}
                </td>
                <td className="grid-numeric">{entry.type === "file" ? formatBytes(entry.size) : ""}</td>
                <td className="grid-numeric">
                  {typeof entry.compressed_size === "number" && entry.type === "file" ? formatBytes(entry.compressed_size) : ""}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
