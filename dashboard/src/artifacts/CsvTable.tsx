// The first rows of a CSV artifact as a table.
import { parseCsv } from "../format/csv";
import { formatCount } from "../format/numbers";

const MAX_ROWS = 200;

export function CsvTable({ text, label }: { text: string; label: string }) {
  const rows = parseCsv(text, MAX_ROWS + 2);
  const [head, ...body] = rows;
  if (head === undefined) return null;
  const shown = body.slice(0, MAX_ROWS);
  return (
    <div className="csv" tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((cell, column) => (
              <th key={column} scope="col">
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {body.length > MAX_ROWS && <p className="code-note">The first {formatCount(MAX_ROWS)} rows. Download it to see all.</p>}
    </div>
  );
}
