// Hostile artifacts in a real browser: neither in the pane nor as pages of their own do they reach the dashboard's storage,
// its cookies or its API. Each of them carries a script that tries and writes down what came of it (see seed.py).
import type { BrowserContext, FrameLocator, Page } from "@playwright/test";

import { expect, test } from "./fixtures";

const SECRET = "canary-7f3a9c";
const KINDS = ["hostile.html", "hostile.svg"] as const;

// A browser that refuses says so on the console.
test.use({ allowedErrors: /sandbox|Content Security Policy|Content-Security-Policy|ERR_BLOCKED|refused|Failed to load resource/i });

/** Puts the canary where the dashboard's own things would be, and listens to every request that an attack got through. */
async function lay(page: Page, context: BrowserContext): Promise<string[]> {
  const through: string[] = [];
  context.on("response", (response) => {
    if (response.url().includes("hostile=")) through.push(response.url());
  });
  await page.goto("/artifacts");
  await page.evaluate((secret) => {
    localStorage.setItem("canary", secret);
    sessionStorage.setItem("canary", secret);
    document.cookie = `canary=${secret}; path=/`;
  }, SECRET);
  return through;
}

async function expectUntouched(page: Page, context: BrowserContext): Promise<void> {
  await page.goto("/artifacts");
  const kept = await page.evaluate(() => ({ canary: localStorage.getItem("canary"), owned: localStorage.getItem("owned") }));
  expect(kept).toEqual({ canary: SECRET, owned: null });
  expect(context.pages()).toHaveLength(1);
}

function frameOf(page: Page, name: string): FrameLocator {
  return page.getByRole("complementary", { name: "Artifact preview" }).frameLocator(`iframe[title="Content of ${name}"]`);
}

/** The page itself is never idle: it listens to the stream of events. */
async function framesAreIdle(page: Page): Promise<void> {
  for (const frame of page.frames()) if (frame !== page.mainFrame()) await frame.waitForLoadState("networkidle");
}

for (const name of KINDS) {
  test(`${name} in the pane runs nothing and reaches nothing`, async ({ page, context, upnext }) => {
    const through = await lay(page, context);
    await page.goto(`/artifacts?selected=${upnext.seed.ids[name] ?? ""}`);
    await expect(frameOf(page, name).locator("#report")).toHaveText("no script ran");
    await framesAreIdle(page);
    await expect(frameOf(page, name).locator("#report")).toHaveText("no script ran");
    expect(new URL(page.url()).pathname).toBe("/artifacts");
    expect(through).toEqual([]);
    await expectUntouched(page, context);
  });

  test(`${name} as a page of its own runs nothing and reaches nothing`, async ({ page, context, upnext }) => {
    const through = await lay(page, context);
    for (const query of ["", "?scripts=1", "?download=0&scripts=true"]) {
      const response = await page.goto(`/api/v1/artifacts/${upnext.seed.ids[name] ?? ""}/content${query}`);
      expect(response?.headers()["content-security-policy"]).toMatch(/^sandbox;/);
      expect(response?.headers()["x-content-type-options"]).toBe("nosniff");
      await expect(page.locator("#report")).toHaveText("no script ran");
      await page.waitForLoadState("networkidle");
      await expect(page.locator("#report")).toHaveText("no script ran");
      expect(await page.evaluate(() => self.origin)).toBe("null");
    }
    expect(through).toEqual([]);
    await expectUntouched(page, context);
  });
}

test("hostile.html with its scripts running still reaches nothing", async ({ page, context, upnext }) => {
  const through = await lay(page, context);
  await page.goto(`/artifacts?selected=${upnext.seed.ids["hostile.html"] ?? ""}`);
  await page.getByRole("button", { name: "With scripts" }).click();
  const written = frameOf(page, "hostile.html").locator("#report");
  await expect(written).toContainText('"write"');
  const report = JSON.parse(((await written.textContent()) ?? "").replace(/ \(on\w+ ran\)/g, "")) as Record<string, string>;
  expect(Object.keys(report)).toEqual(expect.arrayContaining(["storage", "cookie", "parent", "top", "read", "write", "popup"]));
  expect(JSON.stringify(report)).not.toContain(SECRET);
  for (const [attempt, outcome] of Object.entries(report)) {
    // A beacon is queued before the policy throws it away; that nothing arrives is checked below.
    if (attempt !== "beacon") expect(`${attempt}: ${outcome}`).toMatch(/refused/);
  }
  await framesAreIdle(page);
  expect(through).toEqual([]);
  await expectUntouched(page, context);
});
