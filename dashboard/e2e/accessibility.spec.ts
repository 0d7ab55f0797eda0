// Every page against the rules of WCAG 2.2 AA that a program can check, in light and in dark.
import AxeBuilder from "@axe-core/playwright";

import { expect, test } from "./fixtures";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    // The pages of hostile artifacts say on the console what was refused to them.
    test.use({ allowedErrors: /sandbox|Content Security Policy/, colorScheme, contextOptions: { reducedMotion: "reduce" } });

    const pages = (seed: { jobId: string; trainId: string; treeId: string; failedId: string; runningId: string; ids: Record<string, string> }) => [
      "/",
      "/jobs",
      "/jobs?view=timeline",
      `/jobs/${seed.trainId}`,
      `/jobs/${seed.failedId}`,
      `/jobs/${seed.runningId}?part=logs`,
      `/jobs/${seed.treeId}?part=tree`,
      `/jobs/${seed.trainId}?part=lineage`,
      "/artifacts",
      "/artifacts?layout=gallery",
      ...["metrics.json", "people.csv", "notes.md", "console.log", "curve.png", "bundle.zip", "weights.bin"].map((name) => `/artifacts?selected=${seed.ids[name] ?? ""}`),
      `/artifacts?selected=${seed.ids["metrics.json"] ?? ""}&tab=versions`,
      "/functions",
      "/functions/generate_report",
      "/workers",
      "/apis",
      "/apis/shop",
      "/activity",
      "/settings",
      "/nowhere",
    ];

    test("every page", async ({ page, upnext }) => {
      test.setTimeout(300_000);
      const found: string[] = [];
      for (const path of pages(upnext.seed)) {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
        // Frames hold what jobs made.
        const { violations } = await new AxeBuilder({ page }).withTags(RULES).exclude("iframe").analyze();
        found.push(...violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${path}: ${id}: ${html.slice(0, 200)}`)));
      }
      expect(found).toEqual([]);
    });

    test("palette, help and dialogs", async ({ page, upnext }) => {
      const check = async (): Promise<void> => {
        const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`)).toEqual([]);
      };
      await page.goto(`/jobs/${upnext.seed.failedId}`);
      // Keys mean something once the page is there.
      await expect(page.getByRole("button", { name: "Run again…" })).toBeVisible();
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("listbox", { name: "Found" })).toBeVisible();
      await check();
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
      await check();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Run again…" }).click();
      await expect(page.getByRole("dialog").getByRole("button", { name: "Run" })).toBeVisible();
      await check();
    });
  });
}
