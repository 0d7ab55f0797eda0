// Tests of previews: each type in its own way, and nothing untrusted outside a sandbox.
import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";

import { ARTIFACT_TYPES } from "../api/artifacts";
import { makeArtifact } from "../test/factories";
import { fakeServer, renderWithQueries } from "../test/render";
import { ArtifactPreview } from "./ArtifactPreview";
import { MAX_TEXT_PREVIEW_BYTES } from "./artifactTypes";

function serveContent(content: string): string[] {
  return fakeServer((url) => (url.pathname.endsWith("/content") ? new Response(content) : undefined));
}

describe("ArtifactPreview", () => {
  it("indents JSON", async () => {
    serveContent('{"type":"monthly","rows":42}');
    renderWithQueries(<ArtifactPreview artifact={makeArtifact()} />);
    const region = await screen.findByRole("group", { name: "Content of report.json" });
    expect(region.textContent).toBe('{\n  "type": "monthly",\n  "rows": 42\n}');
  });

  it("shows JSON that is none as it is, and says so", async () => {
    serveContent('{"a": NaN}');
    renderWithQueries(<ArtifactPreview artifact={makeArtifact()} />);
    expect((await screen.findByRole("group")).textContent).toBe('{"a": NaN}');
    expect(screen.getByText(/not valid JSON/)).toBeTruthy();
  });

  it("shows text as text, markup and all", async () => {
    serveContent("3 warnings. <script>alert(1)</script>");
    const { container } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "text", name: "log.txt" })} />);
    expect((await screen.findByRole("group")).textContent).toContain("<script>alert(1)</script>");
    expect(container.querySelector("script")).toBeNull();
  });

  it("shows CSV as a table", async () => {
    serveContent("id,name\n1,Kari\n");
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type: "file/csv", name: "people.csv" })} />);
    expect(await screen.findByRole("columnheader", { name: "name" })).toBeTruthy();
    expect(screen.getByRole("cell", { name: "Kari" })).toBeTruthy();
  });

  it("shows images from their own address", () => {
    const artifact = makeArtifact({ type: "image/png", name: "chart.png" });
    renderWithQueries(<ArtifactPreview artifact={artifact} />);
    expect(screen.getByRole("img", { name: "chart.png" }).getAttribute("src")).toBe(`/api/v1/artifacts/${artifact.id}/content`);
  });

  it.each(["file/html", "image/svg"] as const)("shows %s only in a frame whose sandbox is empty", (type) => {
    serveContent("");
    const { container } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type })} />);
    expect(container.querySelector("iframe")?.getAttribute("sandbox")).toBe("");
    expect(container.querySelector("img, object, embed")).toBeNull();
  });

  it.each(["file/pdf", "file/binary", "unknown"] as const)("offers no preview of %s", (type) => {
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type })} />);
    expect(screen.getByText("No preview")).toBeTruthy();
  });

  it("does not fetch a text that is too large", () => {
    const asked = serveContent("never");
    renderWithQueries(<ArtifactPreview artifact={makeArtifact({ sizeBytes: MAX_TEXT_PREVIEW_BYTES + 1 })} />);
    expect(screen.getByText(/too large to show here/)).toBeTruthy();
    expect(asked).toEqual([]);
  });

  it("has an answer for every type", () => {
    serveContent("x");
    for (const type of ARTIFACT_TYPES) {
      const { container, unmount } = renderWithQueries(<ArtifactPreview artifact={makeArtifact({ type })} />);
      expect(container.childElementCount).toBeGreaterThan(0);
      unmount();
    }
  });
});
