// How the dashboard is built, served while developing, and unit tested.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const target = process.env["UPNEXT_URL"] ?? "http://127.0.0.1:8080";

/** The server takes changes from pages of its own host alone, so the host stays as the browser knows it. */
const server = { target, changeOrigin: false };

export default defineConfig({
  // Relative, so that the <base href> in index.html alone decides where the dashboard lives.
  base: "./",
  plugins: [react()],
  server: {
    // Not by its beginning alone: `/apis` is a page.
    proxy: { "^/api/": server, "^/(health|ready)$": server },
  },
  build: {
    // scripts/clean-dist.mjs empties dist/ instead: it must keep dist/.gitignore.
    emptyOutDir: false,
    // Never data: URLs, so that the strictest Content-Security-Policy does.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    unstubGlobals: true,
    setupFiles: ["src/test/setup.ts"],
    // Many programs may share the machine.
    testTimeout: 20_000,
  },
});
