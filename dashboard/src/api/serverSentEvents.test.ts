// Tests of reading server-sent events: any line end, any cut, ids that stay.
import { describe, expect, it } from "vitest";

import { messageReader, type ServerMessage } from "./serverSentEvents";

const TEXT = 'event: open\nid: 7\ndata: connected\n\n: keep-alive\n\nevent: job.started\nid: 8\ndata: {"a":1}\n\ndata: two\ndata: lines\n\n';

function read(pieces: string[]): ServerMessage[] {
  const messages: ServerMessage[] = [];
  const take = messageReader((message) => messages.push(message));
  for (const piece of pieces) take(piece);
  return messages;
}

const EXPECTED = [
  { id: "7", event: "open", data: "connected" },
  { id: "8", event: "job.started", data: '{"a":1}' },
  { id: "8", event: "message", data: "two\nlines" },
];

describe("messageReader", () => {
  it("reads names, ids and data, and passes over comments", () => {
    expect(read([TEXT])).toEqual(EXPECTED);
  });

  it("takes the text in any pieces", () => {
    for (const size of [1, 2, 3, 7]) {
      expect(read(TEXT.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [])).toEqual(EXPECTED);
    }
  });

  it("takes every kind of line end, even cut in two", () => {
    expect(read([TEXT.replaceAll("\n", "\r\n")])).toEqual(EXPECTED);
    expect(read(TEXT.replaceAll("\n", "\r\n").match(/[^]/g) ?? [])).toEqual(EXPECTED);
  });

  it("holds back a message that is not whole", () => {
    expect(read(["data: half\n"])).toEqual([]);
  });
});
