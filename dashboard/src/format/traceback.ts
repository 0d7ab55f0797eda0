// Tracebacks as frames: Python's, which say for each call the file, the line and the code. Anything else stays text.

export interface Frame {
  file: string;
  line: number;
  function: string;
  code: string[];
  /** Not the code of whoever reads this: a library's, or the interpreter's own. */
  foreign: boolean;
}

export interface TracebackPart {
  /** What stands between two tracebacks, such as "During handling of the above exception, another exception occurred:". */
  lead: string | null;
  frames: Frame[];
  /** The exception itself, with its message. */
  exception: string;
}

const HEAD = "Traceback (most recent call last):";
const FRAME = /^ {2}File "(.+)", line (\d+)(?:, in (.+))?$/;
const FOREIGN = /[\\/](?:site-packages|dist-packages|lib[\\/]python\d)|^<frozen|[\\/]python\d+\.\d+[\\/]|[\\/]upnext[\\/]/;

/** Null when the text is no traceback of Python. */
export function parseTraceback(text: string): TracebackPart[] | null {
  const parts: TracebackPart[] = [];
  let lead: string[] = [];
  let part: TracebackPart | null = null;
  for (const line of text.split("\n")) {
    if (line === HEAD) {
      part = { lead: lead.join("\n").trim() || null, frames: [], exception: "" };
      lead = [];
      parts.push(part);
      continue;
    }
    const [, file, number, name = "<module>"] = FRAME.exec(line) ?? [];
    if (part === null) lead.push(line);
    else if (file !== undefined && part.exception === "") {
      part.frames.push({ file, line: Number(number), function: name, code: [], foreign: FOREIGN.test(file) });
    } else if (part.exception === "" && line.startsWith("    ")) part.frames.at(-1)?.code.push(line.slice(4));
    else if (part.exception === "" && /^ {2}\[/.test(line)) part.frames.at(-1)?.code.push(line.trim());
    else if (/^(?:During handling of|The above exception was)/.test(line)) {
      lead = [line];
      part = null;
    } else part.exception = `${part.exception}${part.exception === "" ? "" : "\n"}${line}`;
  }
  for (const one of parts) one.exception = one.exception.trim();
  return parts.length === 0 || parts.some(({ frames }) => frames.length === 0) ? null : parts;
}
