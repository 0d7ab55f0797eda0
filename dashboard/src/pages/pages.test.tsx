// Tests of whole pages against a fake server: what they show, what they ask for, and what they keep in the address.
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import { makeWireArtifact, makeWireJob } from "../test/factories";
import { fakeServer, json, renderDashboard } from "../test/render";
import { serve } from "../test/world";

describe("the jobs page", () => {
  it("is where the root leads, and tells a newcomer what to run", async () => {
    serve({});
    const history = renderDashboard("/");
    expect(await screen.findByText("No jobs yet")).toBeTruthy();
    expect(screen.getByText(/upnext call generate_report/)).toBeTruthy();
    expect(history.location.pathname).toBe("/jobs");
  });

  it("lists jobs with links, and filters by status through the address", async () => {
    const failed = makeWireJob({ status: "failed", function_name: "resize_image" });
    const asked = serve({ jobs: [makeWireJob(), failed] });
    const history = renderDashboard("/jobs");
    const link = await screen.findByRole("link", { name: "resize_image" });
    expect(link.getAttribute("href")).toBe(`/jobs/${failed.id}`);
    expect(screen.getByText("2 jobs")).toBeTruthy();

    await userEvent.click(screen.getByRole("button", { name: "failed" }));
    await waitFor(() => {
      expect(screen.queryByRole("link", { name: "generate_report" })).toBeNull();
    });
    expect(history.location.search).toBe("?status=failed");
    expect(asked).toContain("/api/v1/jobs?status=failed&limit=50");
  });

  it("shows the server's own words when it refuses", async () => {
    fakeServer(() => json({ detail: "the API key is missing" }, 401));
    renderDashboard("/jobs");
    expect((await screen.findByRole("alert")).textContent).toContain("the API key is missing");
  });
});

describe("the job page", () => {
  it("shows error, arguments, lineage and artifacts", async () => {
    const job = makeWireJob({
      status: "failed",
      result: null,
      parent_id: "019ab1c2-0000-7000-8000-00000000beef",
      error: "ValueError: no rows",
      traceback: "Traceback (most recent call last):\n  File x\nValueError: no rows",
    });
    serve({ jobs: [job], artifacts: [makeWireArtifact({ job_id: job.id })] });
    renderDashboard(`/jobs/${job.id}`);
    expect(await screen.findByText("ValueError: no rows")).toBeTruthy();
    expect(screen.getByRole("group", { name: "Traceback" })).toBeTruthy();
    expect(screen.getByRole("group", { name: "Arguments" }).textContent).toContain("monthly");
    expect(screen.queryByRole("heading", { name: "Result" })).toBeNull();
    expect(screen.getByRole("link", { name: "0000beef" })).toBeTruthy();
    const card = await screen.findByRole("article", { name: "report.json" });
    expect(await within(card).findByRole("group", { name: "Content of report.json" })).toBeTruthy();
    const all = screen.getByRole("link", { name: "Download all (zip)" });
    expect(all.getAttribute("href")).toBe(`/api/v1/jobs/${job.id}/artifacts.zip`);
  });

  it("says that a job does not exist", async () => {
    serve({});
    renderDashboard("/jobs/nope");
    expect((await screen.findByRole("alert")).textContent).toContain("nothing at /api/v1/jobs/nope");
  });
});

describe("the frame", () => {
  it("tells when nobody answers", async () => {
    fakeServer(() => new Response("", { status: 502 }));
    renderDashboard("/jobs");
    expect(await screen.findByText("The UpNext server does not answer.", { selector: "strong" })).toBeTruthy();
  });

  it("shows the server's version, and a page for addresses that lead nowhere", async () => {
    serve({});
    renderDashboard("/nowhere");
    expect(await screen.findByText("There is no such page")).toBeTruthy();
    expect(await screen.findByText("v9.9.9")).toBeTruthy();
  });
});
