// Tests of previews: each kind in its own way, and nothing untrusted outside a sandbox.
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { WirePreview } from "../api/artifactWire";
import { ARTIFACT_TYPES } from "../api/artifacts";
import { makeArtifact } from "../test/factories";
import { fakeServer, json, renderWithQueries } from "../test/render";
import { ArtifactPreview } from "./ArtifactPreview";

function servePreview(preview: WirePreview, content = ""): string[] {
  return fakeServer(({ pathname }) => {
    if (pathname.endsWith("/preview")) return json(preview);
    return pathname.endsWith("/content") ? new Response(content) : undefined;
  });
}

const TEXT = { kind: "text", lines: 1, truncated: false } as const;

describe("ArtifactPreview", () => {
  it("indents JSON, and unfolds it as a tree", async () => {
    servePreview({ kind: "json", text: '{"type":"monthly","rows":[42]}', truncated: false });
    renderWithQueries(<ArtifactPreview artifact={makeArtifact()} />);
    const label = { name: "Content of report.json" };
    expect((await screen.findByRole("group", label)).textContent).toBe('{\n  "type": "monthly",\n  "rows": [\n    42\n  ]\n}');
    await userEvent.click(screen.getByRole("button", { name: "Tree" }));
    expect(screen.getByRole("group", label).textContent).toBe('2 keystype: "monthly"rows: 1 item0: 42');
    await userEvent.click(screen.getByRole("button", { name: "Text" }));
  });

  it("shows the outline of a large document", async () => {
    const items = [{ type: "boolean", value: true }] as const;
    servePreview({ kind: "json", outline: { type: "array", length: 9, complete: true, items: [...items] }, truncated: false });
    renderWithQueries(<ArtifactPreview artifact={makeArtifact()} />);
    expect((await screen.findByRole("group", { name: /Content/ })).textContent).toBe("9 items0: true8 more, not shown here");
  });

  it("shows text as text, markup and all", async () => {
    servePreview({ ...TEXT, text: "3 warnings. <script>alert(1)</script>" });
    const { container } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "text", name: "log.txt" })} />);
    expect((await screen.findByRole("group")).textContent).toContain("<script>alert(1)</script>");
    expect(container.querySelector("script")).toBeNull();
  });

  it("colours a terminal's text", async () => {
    servePreview({ ...TEXT, text: "a\n\u001b[31mred\nstill\u001b[0m" });
    const { container } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "text" })} />);
    expect((await screen.findByRole("group")).textContent).toBe("a\nred\nstill");
    expect([...container.querySelectorAll(".ansi-1")].map((element) => element.textContent)).toEqual(["red", "still"]);
  });

  it("fetches the rest of a text when asked", async () => {
    const asked = servePreview({ ...TEXT, text: "one", truncated: true }, "one\ntwo");
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "text", sizeBytes: 7 })} />);
    expect(await screen.findByText(/The first 1 line of 7 B/)).toBeTruthy();
    expect(asked).toHaveLength(1);
    await userEvent.click(screen.getByRole("button", { name: "Show all" }));
    await vi.waitFor(() => {
      expect(screen.getByRole("group").textContent).toBe("one\ntwo");
    });
    expect(screen.queryByText(/The first/)).toBeNull();
  });

  it("shows tables with the types of their columns", async () => {
    servePreview({
      kind: "table",
      format: "parquet",
      columns: [
        { name: "id", type: "int64" },
        { name: "name", type: "string" },
      ],
      rows: [[1, null]],
      total_columns: 3,
      total_rows: 90,
      truncated: true,
    });
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "application/vnd.apache.parquet" })} />);
    expect(await screen.findByRole("columnheader", { name: "id, int64" })).toBeTruthy();
    expect(screen.getByRole("cell", { name: "null" })).toBeTruthy();
    expect(screen.getByText("3 columns, 90 rows; the first 1 row are shown with 2 columns.")).toBeTruthy();
  });

  it("lists archives, and shows bytes in hex", async () => {
    servePreview({ kind: "archive", format: "zip", entries: [{ path: "../x", type: "file", size: 5 }], total_entries: 1, truncated: false });
    const { unmount } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "application/zip" })} />);
    expect(await screen.findByRole("cell", { name: "../x" })).toBeTruthy();
    unmount();
    servePreview({ kind: "binary", hex: "00414243", looks_like: "sqlite", truncated: true });
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "file/binary" })} />);
    expect((await screen.findByRole("group")).textContent).toContain("·ABC");
    expect(screen.getByText("Looks like sqlite; the first 4 bytes are shown.")).toBeTruthy();
  });

  it("shows images from their own address, and larger on demand", async () => {
    servePreview({ kind: "none", reason: "" });
    const artifact = makeArtifact({ type: "image/png", name: "chart.png" });
    renderWithQueries(<ArtifactPreview artifact={artifact} />);
    const image = await screen.findByRole("img", { name: "chart.png" });
    expect(image.getAttribute("src")).toBe(`/api/v1/artifacts/${artifact.id}/content`);
    await userEvent.click(screen.getByRole("button", { name: "100 %" }));
    expect(screen.getByRole("button", { name: "100 %" }).getAttribute("aria-pressed")).toBe("true");
    await userEvent.click(screen.getByRole("button", { name: "Fit" }));
    expect(screen.getByRole("button", { name: "Fit" }).getAttribute("aria-pressed")).toBe("true");
  });

  it.each(["file/html", "image/svg", "text/html", "image/svg+xml", "application/xhtml+xml"])(
    "shows %s only in a frame whose sandbox is empty",
    (type) => {
      servePreview({ ...TEXT, text: "" });
      const { container } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type })} />);
      expect(container.querySelector("iframe")?.getAttribute("sandbox")).toBe("");
      expect(container.querySelector("img, object, embed")).toBeNull();
    },
  );

  it("runs scripts of HTML only when asked, and never with the origin of the page", async () => {
    servePreview({ ...TEXT, text: "" });
    const { container, unmount } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "file/html" })} />);
    await userEvent.click(screen.getByRole("button", { name: "With scripts" }));
    const frame = container.querySelector("iframe");
    expect(frame?.getAttribute("sandbox")).toBe("allow-scripts");
    expect(frame?.getAttribute("src")).toMatch(/\/content\?scripts=1$/);
    unmount();
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "image/svg" })} />);
    expect(screen.queryByRole("button", { name: "With scripts" })).toBeNull();
  });

  it("plays sound and film", () => {
    const { container, unmount } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "audio/ogg" })} />);
    expect(container.querySelector("audio")?.hasAttribute("controls")).toBe(true);
    unmount();
    const film = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "video/mp4" })} />);
    expect(film.container.querySelector("video")?.hasAttribute("controls")).toBe(true);
  });

  it("says why there is none", async () => {
    const asked = servePreview({ kind: "too_large", reason: "It has more than a preview may read." });
    renderWithQueries(<ArtifactPreview artifact={makeArtifact()} />);
    expect(await screen.findByText("It has more than a preview may read.")).toBeTruthy();
    expect(asked).toHaveLength(1);
  });

  it("asks for nothing that is empty, damaged, or not there yet", () => {
    const asked = servePreview({ kind: "none", reason: "" });
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ sizeBytes: 0 })} />);
    expect(screen.getByText("It is empty.")).toBeTruthy();
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ status: "damaged", error: "the digest differs" })} />);
    expect(screen.getByText("The digest differs.")).toBeTruthy();
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "image/png", contentType: "image/png", name: "a.png", status: "uploading" })} />);
    expect(screen.getByText(/32 B so far/)).toBeTruthy();
    expect(asked).toEqual([]);
  });

  it("has an answer for every type", () => {
    servePreview({ kind: "none", reason: "x" });
    for (const type of [...ARTIFACT_TYPES, "application/x-unheard-of"]) {
      const { container, unmount } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type })} />);
      expect(container.childElementCount).toBeGreaterThan(0);
      unmount();
    }
  });
});
