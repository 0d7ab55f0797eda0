// Tests of comparisons: each kind in its own way.
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import type { WireDifference } from "../../api/artifactWire";
import { makeWireArtifact } from "../../test/factories";
import { fakeServer, json, renderWithQueries } from "../../test/render";
import { CompareView } from "./CompareView";

const older = makeWireArtifact({ version: 1 });
const newer = makeWireArtifact({ version: 2 });

async function compare(difference: WireDifference): Promise<HTMLElement> {
  fakeServer(({ pathname }) => {
    if (pathname.includes("/diff/")) return json({ same: difference.kind === "same", a: older, b: newer, difference });
    return json(pathname.endsWith(older.id) ? older : newer);
  });
  renderWithQueries(<CompareView olderId={older.id} newerId={newer.id} />);
  await screen.findByText(/version 2 of job/);
  return screen.getByRole("region", { name: "Comparison" });
}

describe("CompareView", () => {
  it("numbers the lines of both texts", async () => {
    await compare({
      kind: "text",
      added: 1,
      removed: 1,
      truncated: false,
      hunks: [
        {
          old_start: 4,
          old_lines: 2,
          new_start: 4,
          new_lines: 2,
          lines: [
            { change: "context", text: "same" },
            { change: "removed", text: "<b>old</b>" },
            { change: "added", text: "new" },
          ],
        },
      ],
    });
    const lines = [...screen.getByRole("group", { name: "Changed lines" }).querySelectorAll(".diff-line")];
    expect(lines.map((line) => line.textContent)).toEqual(["44 same", "5−removed: <b>old</b>", "5+added: new"]);
  });

  it("names values by their path", async () => {
    await compare({
      kind: "json",
      added: 1,
      removed: 0,
      changed: 1,
      truncated: false,
      changes: [
        { path: "/rows/0/a~1b", change: "changed", old: "1", new: "2" },
        { path: "", change: "added", new: "{}" },
      ],
    });
    expect(screen.getByText("rows › 0 › a/b")).toBeTruthy();
    expect(screen.getByText("(the whole document)")).toBeTruthy();
    expect(screen.getByText("1 changed, 1 added, 0 removed")).toBeTruthy();
  });

  it("compares tables by columns and rows", async () => {
    const page = await compare({
      kind: "table",
      columns_added: [{ name: "b", type: "string" }],
      columns_removed: [],
      columns_retyped: [{ name: "a", old: "int32", new: "int64" }],
      old_rows: 10,
      new_rows: null,
      truncated: false,
    });
    expect(page.textContent).toContain("Rows: 10 before, not counted after.");
    expect(page.textContent).toContain("column added: b string");
    expect(page.textContent).toContain("a int32 → int64");
  });

  it("lays images over each other, or beside each other", async () => {
    const facts = { format: "png", width: 4, height: 3 };
    await compare({ kind: "image", old: facts, new: facts, differing_share: 0.125 });
    expect(screen.getByText(/12.5 % of the pixels differ/)).toBeTruthy();
    expect(screen.getByRole("slider", { name: "How much of the image before is shown" })).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Side by side" }));
    const sources = screen.getAllByRole("img").map((image) => image.getAttribute("src"));
    expect(sources).toEqual([`/api/v1/artifacts/${older.id}/content`, `/api/v1/artifacts/${newer.id}/content`]);
  });

  it("says what it can of anything else", async () => {
    const page = await compare({ kind: "bytes", old_size: 1_000, new_size: 1_001, first_difference: 7 });
    expect(page.textContent).toContain("1,000 bytes became 1,001 bytes. The first difference is at byte 7.");
  });

  it("says that nothing differs", async () => {
    expect((await compare({ kind: "same", size: 5 })).textContent).toContain("Nothing differs");
  });
});
