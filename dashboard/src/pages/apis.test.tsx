// Tests of the pages of HTTP APIs against a fake server: what they show, what they ask for, and when the navigation leads there.
import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";

import type { WireApi, WireApiDetail, WireApiRequest, WireRequestFigures } from "../api/wire";
import { fakeServer, json, renderDashboard } from "../test/render";

// happy-dom has neither.
beforeEach(() => {
  window.scrollTo = () => undefined;
  HTMLElement.prototype.scrollIntoView = () => undefined;
});

const NOTHING: WireRequestFigures = { requests: 0, success: 0, client_errors: 0, server_errors: 0, error_rate: null, avg_ms: null, p50_ms: null, p95_ms: null };
const SOME: WireRequestFigures = { requests: 1_200, success: 1_100, client_errors: 40, server_errors: 60, error_rate: 5, avg_ms: 31, p50_ms: 12, p95_ms: 340 };

function makeApi(facts: Partial<WireApi> = {}): WireApi {
  const instance = {
    id: "shop-1",
    alive: true,
    started_at: "2026-11-24T01:00:00Z",
    last_heartbeat: "2026-11-24T02:00:00Z",
    stopped_at: null,
    host: "::1",
    port: 8_000,
    hostname: "host",
    pid: 4_242,
    version: "0.1.0",
    dropped: 0,
  };
  const dead = { ...instance, id: "shop-0", alive: false, stopped_at: null, port: 7_999, dropped: 3 };
  return { ...SOME, name: "shop", active: true, instance_count: 1, instances: [instance, dead], endpoint_count: 2, ...facts };
}

function makeRequest(facts: Partial<WireApiRequest> = {}): WireApiRequest {
  return {
    id: 7,
    type: "api.request",
    at: "2026-11-24T02:00:00Z",
    api: "shop",
    instance_id: "shop-1",
    method: "GET",
    route: "/orders/{id}",
    status: 500,
    duration_ms: 31,
    error: "KeyError",
    ...facts,
  };
}

function serve(apis: WireApi[]): string[] {
  return fakeServer((url) => {
    const path = url.pathname.replace("/api/v1/", "");
    if (path === "apis") return json({ apis, total: apis.length });
    if (path === "apis/trends") return json({ hourly: [{ ...SOME, hour: "2026-11-24T02:00:00Z" }] });
    if (path === "apis/events") {
      const events = [makeRequest(), makeRequest({ id: 6, status: 200, error: null })];
      const wanted = url.searchParams.get("status");
      return json({ events: wanted === null ? events : events.filter(({ status }) => `${Math.floor(status / 100)}xx` === wanted), has_more: false, next_cursor: null });
    }
    const found = apis.find(({ name }) => path === `apis/${encodeURIComponent(name)}`);
    if (found === undefined) return path === "auth/status" ? json({ auth_enabled: false }) : undefined;
    const endpoints = [
      { ...SOME, method: "GET", route: "/orders/{id}" },
      { ...NOTHING, method: "POST", route: "/orders" },
    ];
    return json({ ...found, endpoints } satisfies WireApiDetail);
  });
}

function paramsOf(address: string): Record<string, string> {
  return Object.fromEntries(new URL(address, "http://host").searchParams);
}

describe("the page of all APIs", () => {
  it("tells a newcomer what to write and what to run", async () => {
    serve([]);
    renderDashboard("/apis");
    expect(await screen.findByText("No API is running")).toBeTruthy();
    expect(screen.getByText(/api = upnext\.Api\("shop", port=8000\)/)).toBeTruthy();
    expect(screen.getByText(/pip install "upnext\[api\]"/)).toBeTruthy();
  });

  it("lists APIs with their figures", async () => {
    serve([makeApi(), makeApi({ ...NOTHING, name: "a/b", active: false, instances: [] })]);
    renderDashboard("/apis");
    const shop = (await screen.findByRole("link", { name: "shop" })).closest("tr");
    if (shop === null) throw new Error("the link stands in a row");
    for (const text of ["[::1]:8000", "5 %", "12 ms", "340 ms", "running"]) expect(within(shop).getByText(text)).toBeTruthy();
    expect(screen.getByRole("link", { name: "a/b" }).getAttribute("href")).toBe("/apis/a%2Fb");
    expect(screen.getByText("1 API running")).toBeTruthy();
  });
});

describe("the navigation", () => {
  const pages = async (): Promise<string[]> => {
    const navigation = await screen.findByRole("navigation", { name: "Pages" });
    return within(navigation).getAllByRole("link").map((link) => link.textContent);
  };

  it("leads to APIs where there are any", async () => {
    serve([makeApi()]);
    renderDashboard("/settings");
    await screen.findByRole("link", { name: "APIs" });
    expect(await pages()).toContain("APIs");
  });

  it("does not where there are none", async () => {
    const asked = serve([]);
    renderDashboard("/settings");
    await expect.poll(() => asked).toContain("/api/v1/apis");
    expect(await pages()).not.toContain("APIs");
  });
});

describe("the page of one API", () => {
  it("shows traffic, routes, instances and the latest requests", async () => {
    const asked = serve([makeApi()]);
    renderDashboard("/apis/shop?hours=6");
    expect(await screen.findByText("60 of them, 40 client errors")).toBeTruthy();
    expect(await screen.findByText(/1,100 answered, 40 client errors, 60 server errors/)).toBeTruthy();
    expect(asked).toContain("/api/v1/apis/trends?hours=6&api=shop");
    const instances = screen.getByRole("region", { name: "Instances" });
    expect(within(instances).getByText("vanished")).toBeTruthy();
    expect(within(instances).getByText(/3 requests not recorded/)).toBeTruthy();
    const requests = await screen.findByRole("list", { name: "Requests, the latest first" });
    expect(within(requests).getAllByRole("listitem")).toHaveLength(2);
    expect(within(requests).getByText("KeyError")).toBeTruthy();
  });

  it("keeps the chosen route and status in the address", async () => {
    const asked = serve([makeApi()]);
    const history = renderDashboard("/apis/shop");
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "GET /orders/{id}" }));
    expect(await screen.findByRole("heading", { name: "Latest requests of GET /orders/{id}" })).toBeTruthy();
    await user.selectOptions(screen.getByRole("combobox", { name: "Status" }), "5xx");
    const chosen = { method: "GET", route: "/orders/{id}", status: "5xx" };
    await expect.poll(() => paramsOf(history.location.search)).toEqual(chosen);
    await expect.poll(() => asked.filter((address) => address.includes("/apis/events")).map(paramsOf)).toContainEqual({ api: "shop", limit: "50", ...chosen });
    await expect.poll(() => within(screen.getByRole("list", { name: "Requests, the latest first" })).getAllByRole("listitem").length).toBe(1);
    await user.click(screen.getByRole("button", { name: "GET /orders/{id}" }));
    await expect.poll(() => history.location.search).toBe("?status=5xx");
  });

  it("says so when nobody knows it", async () => {
    serve([]);
    renderDashboard("/apis/nobody");
    expect(await screen.findByText(/nothing at \/api\/v1\/apis\/nobody/)).toBeTruthy();
  });
});
