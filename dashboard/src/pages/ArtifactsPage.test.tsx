// Tests of the artifacts page: its filters and the address, its pane, and changes made there.
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import { makeWireArtifact } from "../test/factories";
import { renderDashboard } from "../test/render";
import { serve } from "../test/world";

const PANE = { name: "Artifact preview" };

describe("the list", () => {
  it("opens a pane beside it, and closes it with Escape", async () => {
    const artifact = makeWireArtifact();
    serve({ artifacts: [artifact] });
    const history = renderDashboard("/artifacts");
    await userEvent.click(await screen.findByRole("link", { name: "report.json" }));
    const pane = await screen.findByRole("complementary", PANE);
    expect(history.location.search).toBe(`?selected=${artifact.id}`);
    expect((await within(pane).findByRole("group", { name: "Content of report.json" })).textContent).toContain('"rows": 42');
    const download = within(pane).getByRole("link", { name: "Download report.json" });
    expect(download.getAttribute("href")).toBe(`/api/v1/artifacts/${artifact.id}/content?download=true`);

    download.focus();
    await userEvent.keyboard("{Escape}");
    await waitFor(() => {
      expect(screen.queryByRole("complementary")).toBeNull();
    });
    expect(history.location.search).toBe("");
  });

  it("searches as one types, and clears again", async () => {
    serve({ artifacts: [makeWireArtifact({ name: "report.json" }), makeWireArtifact({ name: "chart.png", type: "image/png" })] });
    const history = renderDashboard("/artifacts");
    const box = await screen.findByRole<HTMLInputElement>("searchbox", { name: "Search artifacts" });
    await userEvent.type(box, "nothing like it");
    expect(await screen.findByText("No artifact matches")).toBeTruthy();
    expect(history.location.search).toBe("?q=nothing+like+it");
    expect(box.value).toBe("nothing like it");

    await userEvent.click(screen.getByRole("button", { name: "Show all artifacts" }));
    expect(await screen.findByRole("link", { name: "chart.png" })).toBeTruthy();
    expect(box.value).toBe("");
  });

  it("asks for exactly what the address says", async () => {
    const asked = serve({ artifacts: [makeWireArtifact()] });
    renderDashboard("/artifacts?q=report&type=video%2Fmp4&tag=x&tag=y&function=f&min_size=5&sort=-size&versions=all");
    await screen.findByRole("link", { name: "report.json" });
    expect(asked).toContain("/api/v1/artifacts?q=report&type=video%2Fmp4&tag=x&tag=y&function=f&min_size=5&sort=-size&versions=all&limit=100");
  });

  it("keeps type, size, time, tag and order in the address", async () => {
    serve({ artifacts: [makeWireArtifact({ type: "audio/flac", content_type: "audio/flac" })] });
    const history = renderDashboard("/artifacts");
    await screen.findByRole("option", { name: "audio/flac" });
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Type" }), "audio/flac");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Size" }), "10 KB to 1 MB");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Time" }), "Last 7 days");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Order" }), "Largest first");
    await userEvent.type(screen.getByRole("textbox", { name: "Add a tag to filter by" }), "model{Enter}");
    await waitFor(() => {
      const search = new URLSearchParams(history.location.search);
      expect(Object.fromEntries(search)).toEqual({
        type: "audio/flac",
        min_size: "10000",
        max_size: "1000000",
        within: "7d",
        sort: "-size",
        tag: "model",
      });
    });
    await userEvent.click(screen.getByRole("button", { name: "Remove the tag model" }));
    await waitFor(() => {
      expect(history.location.search).not.toContain("tag=");
    });
  });

  it("says that there are more than were counted, and how much is stored", async () => {
    serve({ artifacts: [makeWireArtifact()], totalIsCapped: true });
    renderDashboard("/artifacts");
    expect(await screen.findByText("1+ artifacts")).toBeTruthy();
    expect(await screen.findByText("2.0 KB, stored in 1.0 KB")).toBeTruthy();
  });

  it("shows tags that filter, and states in words", async () => {
    serve({ artifacts: [makeWireArtifact({ tags: ["model"], status: "writing", sha256: null, pinned: true })] });
    const history = renderDashboard("/artifacts");
    expect(await screen.findByText("live")).toBeTruthy();
    expect(screen.getByText("pinned")).toBeTruthy();
    await userEvent.click(screen.getByRole("link", { name: "model" }));
    await waitFor(() => {
      expect(history.location.search).toBe("?tag=model");
    });
  });
});

describe("the pane", () => {
  it("shows description, metadata and facts", async () => {
    const artifact = makeWireArtifact({ description: "Monthly numbers", metadata: { source: { rows: 7 } } });
    serve({ artifacts: [artifact] });
    renderDashboard(`/artifacts?selected=${artifact.id}`);
    const pane = await screen.findByRole("complementary", PANE);
    expect(await within(pane).findByText("Monthly numbers")).toBeTruthy();
    await userEvent.click(within(pane).getByRole("tab", { name: "Details" }));
    const metadata = await within(pane).findByRole("group", { name: "Metadata" });
    expect(metadata.textContent).toContain("rows: 7");
    expect(within(pane).getByText(artifact.sha256 ?? "")).toBeTruthy();
  });

  it("moves between tabs by arrow keys, and keeps the tab in the address", async () => {
    const artifact = makeWireArtifact();
    serve({ artifacts: [artifact] });
    const history = renderDashboard(`/artifacts?selected=${artifact.id}`);
    const preview = await screen.findByRole("tab", { name: "Preview" });
    preview.focus();
    await userEvent.keyboard("{End}");
    await waitFor(() => {
      expect(history.location.search).toContain("tab=lineage");
    });
    expect(await screen.findByRole("link", { name: "publish" })).toBeTruthy();
    expect(document.activeElement?.textContent).toBe("Lineage");
  });

  it("pins and unpins", async () => {
    const artifact = makeWireArtifact();
    const asked = serve({ artifacts: [artifact] });
    renderDashboard(`/artifacts?selected=${artifact.id}`);
    await userEvent.click(await screen.findByRole("button", { name: "Pin" }));
    await userEvent.click(await screen.findByRole("button", { name: "Unpin" }));
    expect(await screen.findByRole("button", { name: "Pin" })).toBeTruthy();
    expect(asked).toContain(`POST /api/v1/artifacts/${artifact.id}/pin`);
    expect(asked).toContain(`POST /api/v1/artifacts/${artifact.id}/unpin`);
  });

  it("deletes after asking, and not before", async () => {
    const artifact = makeWireArtifact();
    const artifacts = [artifact];
    serve({ artifacts });
    renderDashboard(`/artifacts?selected=${artifact.id}`);
    await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Cancel" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(artifacts).toHaveLength(1);

    await userEvent.click(screen.getByRole("button", { name: "Delete" }));
    await userEvent.click(within(screen.getByRole("dialog", { name: "Delete report.json?" })).getByRole("button", { name: "Delete" }));
    expect(await screen.findByText("No artifacts yet")).toBeTruthy();
    expect(screen.queryByRole("complementary")).toBeNull();
  });

  it("says why something did not happen", async () => {
    const artifact = makeWireArtifact({ pinned: true });
    serve({ artifacts: [artifact] });
    renderDashboard(`/artifacts?selected=${artifact.id}`);
    await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Delete" }));
    expect((await screen.findByRole("alert")).textContent).toBe("It was not deletedit is pinned: unpin it first");
  });

  it("changes description and tags", async () => {
    const artifact = makeWireArtifact({ tags: ["old"] });
    serve({ artifacts: [artifact] });
    renderDashboard(`/artifacts?selected=${artifact.id}&tab=details`);
    await userEvent.click(await screen.findByRole("button", { name: "Edit description and tags" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Description" }), "What it is");
    const tags = screen.getByRole("textbox", { name: "Tags, separated by commas" });
    await userEvent.clear(tags);
    await userEvent.type(tags, "model, , draft,model");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Stays" }), "7 days from now");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => {
      expect(artifact).toMatchObject({ description: "What it is", tags: ["model", "draft"], expires_in: 604_800 });
    });
    expect(await screen.findAllByText("What it is")).toHaveLength(2);
  });

  it("lists versions, and compares with the one before", async () => {
    const newer = makeWireArtifact({ version: 2 });
    const older = makeWireArtifact({ job_id: newer.job_id, latest: false, sha256: "a0".repeat(32) });
    const asked = serve({ artifacts: [newer, older] });
    const history = renderDashboard(`/artifacts?selected=${newer.id}&tab=versions`);
    await userEvent.click(await screen.findByRole("button", { name: "Compare with previous" }));
    expect(await screen.findByRole("region", { name: "Comparison" })).toBeTruthy();
    expect(screen.getByText(/1 line added/)).toBeTruthy();
    expect(history.location.search).toContain(`compare=${older.id}`);
    expect(asked).toContain(`/api/v1/artifacts/${older.id}/diff/${newer.id}`);
    await userEvent.click(screen.getByRole("button", { name: "← All versions" }));
    expect(await screen.findByRole("link", { name: "Version 1" })).toBeTruthy();
  });

  it("says that an artifact is gone", async () => {
    serve({});
    renderDashboard("/artifacts?selected=nope");
    expect((await screen.findByRole("alert")).textContent).toContain("nothing at /api/v1/artifacts/nope");
  });
});
