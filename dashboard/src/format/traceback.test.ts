// Tests of reading tracebacks: frames, chains, and texts that are none.
import { describe, expect, it } from "vitest";

import { parseTraceback } from "./traceback";

const ONE = `Traceback (most recent call last):
  File "/app/tasks.py", line 12, in load
    rows = read(path)
           ^^^^^^^^^^
  File "/usr/lib/python3.13/csv.py", line 3, in read
    raise ValueError("no rows")
ValueError: no rows
and a second line
`;

describe("parseTraceback", () => {
  it("reads file, line, function and code of each frame, and tells foreign code", () => {
    const [part] = parseTraceback(ONE) ?? [];
    expect(part?.exception).toBe("ValueError: no rows\nand a second line");
    expect(part?.frames).toEqual([
      { file: "/app/tasks.py", line: 12, function: "load", code: ["rows = read(path)", "       ^^^^^^^^^^"], foreign: false },
      { file: "/usr/lib/python3.13/csv.py", line: 3, function: "read", code: ['raise ValueError("no rows")'], foreign: true },
    ]);
  });

  it("reads a chain of exceptions in order", () => {
    const chain = `${ONE}\nDuring handling of the above exception, another exception occurred:\n\n${ONE.replace("ValueError: no rows", "KeyError: 'x'")}`;
    const parts = parseTraceback(chain) ?? [];
    expect(parts.map(({ lead }) => lead)).toEqual([null, "During handling of the above exception, another exception occurred:"]);
    expect(parts[1]?.exception).toContain("KeyError: 'x'");
  });

  it("leaves other texts alone", () => {
    expect(parseTraceback("panicked at src/main.rs:3:5")).toBeNull();
    expect(parseTraceback("Traceback (most recent call last):\n  File x\nValueError: no rows")).toBeNull();
  });
});
