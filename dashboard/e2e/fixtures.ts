// What every browser test gets: one seeded server for the file, and a page on which any console error fails the test.
import { test as base, expect } from "@playwright/test";

import { startServer, type Seed } from "./server";

interface WorkerFixtures {
  upnext: { url: string; seed: Seed };
}

interface TestFixtures {
  /** What a test may bring about on the error console: a browser that refuses something hostile says so there. */
  allowedErrors: RegExp;
}

const NOTHING = /(?!)/;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  allowedErrors: [NOTHING, { option: true }],

  upnext: [
    // eslint-disable-next-line no-empty-pattern -- Playwright insists on a destructured first parameter
    async ({}, use) => {
      const server = await startServer();
      try {
        await use({ url: server.url, seed: server.seed() });
      } finally {
        await server.stop();
      }
    },
    { scope: "worker", timeout: 120_000 },
  ],

  baseURL: async ({ upnext }, use) => {
    await use(upnext.url);
  },

  page: async ({ page, allowedErrors }, use) => {
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() !== "error" || allowedErrors.test(message.text())) return;
      errors.push(`${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => errors.push(error.message));
    await use(page);
    expect(errors, "the console must stay clean").toEqual([]);
  },
});

export { expect };
