// Reads the text of a stream of server-sent events. The browser's own EventSource cannot say where it stopped when it is
// opened anew, and gives up for good at the first answer of a proxy; with this the feed decides both.

export interface ServerMessage {
  /** The id to resume from; the one before, when this message has none. */
  id: string;
  event: string;
  data: string;
}

const LINE_END = /\r\n|\n|\r/;

/** Resolves when the stream ends, and rejects when it breaks. */
export async function readMessages(stream: ReadableStream<Uint8Array>, onMessage: (message: ServerMessage) => void): Promise<void> {
  const read = messageReader(onMessage);
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    read(decoder.decode(value, { stream: true }));
  }
}

/** Takes the text in any pieces, and calls back once per message. */
export function messageReader(onMessage: (message: ServerMessage) => void): (text: string) => void {
  let rest = "";
  let id = "";
  let event = "";
  let data: string[] = [];
  const take = (line: string): void => {
    if (line === "") {
      if (data.length > 0) onMessage({ id, event: event === "" ? "message" : event, data: data.join("\n") });
      event = "";
      data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line.charAt(colon + 1) === " " ? colon + 2 : colon + 1);
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  };
  return (text) => {
    rest += text;
    // A carriage return at the end may be half of a line end.
    const held = rest.endsWith("\r") ? "\r" : "";
    const lines = rest.slice(0, rest.length - held.length).split(LINE_END);
    rest = (lines.pop() ?? "") + held;
    for (const line of lines) take(line);
  };
}
