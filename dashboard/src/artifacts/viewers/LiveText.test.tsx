// Tests of following a text: it grows, survives a broken connection, and ends.
import { act, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";

import { makeArtifact } from "../../test/factories";
import { fakeServer, json, renderWithQueries } from "../../test/render";
import { LiveText } from "./LiveText";

const artifact = makeArtifact({ type: "text", name: "train.log", status: "writing", sha256: null });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function stream(): { body: ReadableStream<Uint8Array>; control: ReadableStreamDefaultController<Uint8Array> } {
  let control: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      control = given;
    },
  });
  if (control === undefined) throw new Error("a stream starts at once");
  return { body, control };
}

describe("LiveText", () => {
  it("grows as the text is written, and says when it is closed", async () => {
    const { body, control } = stream();
    const asked = fakeServer(({ pathname }) => (pathname.endsWith("/content") ? new Response(body) : undefined));
    renderWithQueries(<LiveText artifact={artifact} />);
    control.enqueue(bytes("epoch 1\n"));
    expect(await screen.findByText(/epoch 1/)).toBeTruthy();
    // A character that is cut in two.
    control.enqueue(bytes("größe").slice(0, 3));
    control.enqueue(bytes("größe").slice(3));
    expect(await screen.findByText(/größe/)).toBeTruthy();
    expect(screen.getByText(/New lines appear/)).toBeTruthy();
    control.close();
    expect(await screen.findByText(/It has been closed/)).toBeTruthy();
    expect(asked[0]).toBe(`/api/v1/artifacts/${artifact.id}/content?follow=1`);
  });

  it("goes on where a broken connection stopped", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    try {
      const first = stream();
      const second = stream();
      const asked = fakeServer(({ pathname, searchParams }) => {
        if (!pathname.endsWith("/content")) return undefined;
        return new Response(searchParams.has("offset") ? second.body : first.body);
      });
      renderWithQueries(<LiveText artifact={artifact} />);
      first.control.enqueue(bytes("one "));
      expect(await screen.findByText(/one/)).toBeTruthy();
      first.control.error(new TypeError("network error"));
      expect(await screen.findByText(/Reading goes on/)).toBeTruthy();
      second.control.enqueue(bytes("two"));
      await act(() => vi.advanceTimersByTimeAsync(2_500));
      expect(await screen.findByText("one two")).toBeTruthy();
      expect(asked.at(-1)).toBe(`/api/v1/artifacts/${artifact.id}/content?follow=1&offset=4`);
    } finally {
      vi.useRealTimers();
    }
  });

  it("says why the server refuses", async () => {
    fakeServer(() => json({ detail: "there is no such artifact" }, 404));
    renderWithQueries(<LiveText artifact={artifact} />);
    expect(await screen.findByText("there is no such artifact")).toBeTruthy();
  });
});
