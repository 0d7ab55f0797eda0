// Tests of the client: addresses, and what each kind of failure becomes.
import { describe, expect, it, vi } from "vitest";

import { fakeServer, json } from "../test/render";
import { ApiError, apiUrl, getModel } from "./client";
import { readConnection } from "./connection";

const same = (wire: unknown): unknown => wire;

async function failureOf(promise: Promise<unknown>): Promise<ApiError> {
  const failure = await promise.catch((error: unknown) => error);
  if (failure instanceof ApiError) return failure;
  throw new Error("an ApiError was expected");
}

describe("apiUrl", () => {
  it("repeats lists and leaves absent values out", () => {
    expect(apiUrl("jobs", { status: ["failed", "active"], function: undefined, limit: 50 })).toBe(
      "/api/v1/jobs?status=failed&status=active&limit=50",
    );
  });

  it("follows the base href", () => {
    const base = document.querySelector("base");
    base?.setAttribute("href", "http://dashboard.test/tools/upnext/");
    expect(apiUrl("jobs")).toBe("/tools/upnext/api/v1/jobs");
    base?.setAttribute("href", "http://dashboard.test/");
  });
});

describe("getModel", () => {
  it("tells the server's own detail", async () => {
    fakeServer(() => json({ detail: "no such job" }, 404));
    expect(await failureOf(getModel("/x", same))).toMatchObject({ failure: "refused", status: 404, message: "no such job" });
    expect(readConnection()).toBe("reachable");
  });

  it("takes a server's 503 with a detail as an answer", async () => {
    fakeServer(() => json({ detail: "the storage is away" }, 503));
    expect(await failureOf(getModel("/x", same))).toMatchObject({ failure: "refused", message: "the storage is away" });
  });

  it("takes a proxy's 502 and a lost connection as nobody answering", async () => {
    fakeServer(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
    expect(await failureOf(getModel("/x", same))).toMatchObject({ failure: "unreachable", status: 502 });
    expect(readConnection()).toBe("unreachable");

    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    expect(await failureOf(getModel("/x", same))).toMatchObject({ failure: "unreachable", status: null });
  });

  it("names an answer that is not the API's", async () => {
    fakeServer(() => new Response("<!doctype html>", { status: 200 }));
    const failure = await failureOf(getModel("/x", same));
    expect(failure.failure).toBe("malformed");
    expect(failure.message).toContain("/x");
  });

  it("leaves a query that is no longer wanted alone", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new DOMException("aborted", "AbortError")));
    await expect(getModel("/x", same)).rejects.toMatchObject({ name: "AbortError" });
  });
});
