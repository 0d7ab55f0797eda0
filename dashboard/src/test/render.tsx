// Renders for tests: a component with a query client, or the whole dashboard at an address against a fake server.
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";

import { createQueryClient } from "../api/live";
import { createDashboardRouter } from "../router/router";

type Answer = (url: URL, request: { method: string; body: string | undefined }) => Response | undefined;

/** Answers `fetch` from a function; what it does not know is the server's 404. Returns the addresses asked for; what changes something begins with its method. */
export function fakeServer(answer: Answer): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (input: string, init: RequestInit = {}) => {
    const url = new URL(input, document.baseURI);
    const method = init.method ?? "GET";
    asked.push(`${method === "GET" ? "" : `${method} `}${url.pathname}${url.search}`);
    return Promise.resolve(answer(url, { method, body: init.body as string | undefined }) ?? json({ detail: `nothing at ${url.pathname}` }, 404));
  });
  return asked;
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

export function renderWithQueries(children: ReactNode) {
  return render(<QueryClientProvider client={createQueryClient()}>{children}</QueryClientProvider>);
}

/** The whole dashboard. The router's history is returned, to look at the address. */
export function renderDashboard(address: string) {
  const history = createMemoryHistory({ initialEntries: [address] });
  const router = createDashboardRouter(history);
  renderWithQueries(<RouterProvider router={router} />);
  return history;
}
