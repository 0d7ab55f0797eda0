// Tests of whole pages against a fake server: what they show, what they ask for, and what they keep in the address.
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";

import { makeWireArtifact, makeWireFunction, makeWireInstance, makeWireJob, makeWireStats } from "../test/factories";
import { fakeServer, json, renderDashboard } from "../test/render";
import { serve } from "../test/world";

// happy-dom has neither.
beforeEach(() => {
  window.scrollTo = () => undefined;
  HTMLElement.prototype.scrollIntoView = () => undefined;
});

describe("the overview", () => {
  it("tells a newcomer what to run", async () => {
    serve({});
    renderDashboard("/");
    expect(await screen.findByText("Welcome. Nothing has run here yet")).toBeTruthy();
    expect(screen.getByText(/upnext call generate_report/)).toBeTruthy();
  });

  it("shows figures, failures and what is stuck, each with a way there", async () => {
    const failed = makeWireJob({ status: "failed", function_name: "resize_image", error: "OSError: no space" });
    const stats = makeWireStats({
      runs: { total: 1_200, success: 1_100, failed: 100, cancelled: 0, active: 2, success_rate: 91.7, window_hours: 24 },
      queue: { queued: 7, pending: 1, retrying: 2, active: 2, oldest_queued_ms: 61_000 },
      workers: { total: 2, alive: 1, slots: 4, busy: 2 },
      artifacts: { count: 5, logical_bytes: 2_000_000, stored_bytes: 1_000_000 },
      recent_failures: [failed],
      stuck_active_jobs: [makeWireJob({ status: "active", function_name: "hangs" })],
      top_failing_functions: [{ function: "resize", function_name: "resize_image", failed: 30, total: 40, failure_rate: 75 }],
    });
    const asked = serve({ stats, artifacts: [makeWireArtifact()] });
    renderDashboard("/?hours=6");
    expect(await screen.findByText("91.7 %")).toBeTruthy();
    expect(screen.getByText("The oldest for 1 min 1 s")).toBeTruthy();
    expect(screen.getByText("2.0 MB, stored in 1.0 MB")).toBeTruthy();
    expect(screen.getByRole("img", { name: "2 of 4 slots busy" })).toBeTruthy();
    expect(within(screen.getByRole("region", { name: "Stuck" })).getByRole("link", { name: "hangs" })).toBeTruthy();
    expect(within(screen.getByRole("region", { name: "Latest failures" })).getByText("OSError: no space")).toBeTruthy();
    const failing = within(screen.getByRole("region", { name: "Failing functions" })).getByRole("link", { name: "resize_image" });
    expect(failing.getAttribute("href")).toBe("/jobs?function=resize&status=failed");
    expect(await screen.findByRole("link", { name: /3 complete, 1 failed/ })).toBeTruthy();
    expect(asked).toContain("/api/v1/jobs/trends?hours=6");
    expect(await screen.findByRole("article", { name: "report.json" })).toBeTruthy();
  });

  it("still shows the rest with a server that has no figures", async () => {
    serve({ stats: null, artifacts: [makeWireArtifact()] });
    renderDashboard("/");
    expect(await screen.findByText("No figures")).toBeTruthy();
    expect(await screen.findByRole("article", { name: "report.json" })).toBeTruthy();
  });
});

describe("the jobs page", () => {
  it("tells a newcomer what to run", async () => {
    serve({});
    renderDashboard("/jobs");
    expect(await screen.findByText("No jobs yet")).toBeTruthy();
    expect(screen.getByText(/upnext call generate_report/)).toBeTruthy();
  });

  it("finds jobs by a text and by tags, through the address", async () => {
    const tagged = makeWireJob({ function_name: "resize_image", tags: ["eu", "nightly"], kwargs: { folder: "coffee" } });
    const asked = serve({ jobs: [makeWireJob(), tagged] });
    const history = renderDashboard("/jobs");
    const row = await screen.findByRole("link", { name: "resize_image" });
    expect(screen.getByText("2 jobs")).toBeTruthy();
    await userEvent.type(screen.getByRole("searchbox", { name: "Search jobs" }), "coffee");
    expect(await screen.findByText("1 job")).toBeTruthy();
    expect(history.location.search).toBe("?text=coffee");
    await userEvent.type(screen.getByRole("textbox", { name: "Add a tag to filter by" }), "eu{Enter}");
    await waitFor(() => {
      expect(asked.at(-1)).toMatch(/tag=eu&text=coffee|text=coffee&tag=eu/);
    });
    expect(history.location.search).toContain("text=coffee");
    const link = within(row.closest("tr") ?? document.body).getByRole("link", { name: "nightly" });
    await userEvent.click(link);
    await waitFor(() => {
      expect(decodeURIComponent(history.location.search)).toContain("nightly");
    });
    expect(history.location.search).not.toContain("coffee");
  });

  it("says how far a search has come, and looks further on demand", async () => {
    const found = makeWireJob({ function_name: "resize_image" });
    const asked: string[] = [];
    fakeServer((url) => {
      if (url.pathname !== "/api/v1/jobs") return undefined;
      asked.push(url.search);
      const further = url.searchParams.has("cursor");
      return json({ jobs: further ? [found] : [], total: further ? 1 : 0, total_is_capped: true, has_more: !further, next_cursor: further ? null : "c5" });
    });
    renderDashboard("/jobs?text=coffee");
    expect(await screen.findByText("None of the newest jobs holds this text.")).toBeTruthy();
    expect(screen.getByText("0 jobs found so far")).toBeTruthy();
    expect(asked.every((search) => !search.includes("cursor"))).toBe(true);
    await userEvent.click(screen.getByRole("button", { name: "Look further back" }));
    expect(await screen.findByRole("link", { name: "resize_image" })).toBeTruthy();
    expect(screen.getByText("1 job")).toBeTruthy();
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
    expect(asked).toContain("/api/v1/jobs?status=failed&limit=100");
  });

  it("shows only the rows in sight of a long list", async () => {
    serve({ jobs: Array.from({ length: 1_000 }, () => makeWireJob()) });
    renderDashboard("/jobs");
    await screen.findByText("1,000 jobs");
    const rows = await screen.findAllByRole("row");
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.length).toBeLessThan(100);
  });

  it("retries what is selected, and says what was refused", async () => {
    const failed = makeWireJob({ status: "failed", function_name: "resize_image" });
    const asked = serve({ jobs: [makeWireJob(), failed] });
    renderDashboard("/jobs");
    await userEvent.click(await screen.findByRole("checkbox", { name: /Select resize_image/ }));
    expect(screen.getByText("1 job selected")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Retry 1" }));
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Retry" }));
    expect(await screen.findByText("1 job queued again.")).toBeTruthy();
    expect(asked).toContain(`POST /api/v1/jobs/${failed.id}/retry`);
  });

  it("draws the same jobs over time", async () => {
    const parent = makeWireJob({ function_name: "parent" });
    const child = makeWireJob({ function_name: "child", parent_id: parent.id, root_id: parent.id });
    serve({ jobs: [child, parent] });
    renderDashboard("/jobs?view=timeline");
    expect(await screen.findByRole("group", { name: "Jobs over time" })).toBeTruthy();
  });

  it("shows the server's own words when it refuses", async () => {
    fakeServer(() => json({ detail: "a word is missing" }, 422));
    renderDashboard("/jobs");
    expect((await screen.findByRole("alert")).textContent).toContain("a word is missing");
  });
});

describe("the job page", () => {
  it("shows error, arguments, lineage and artifacts", async () => {
    const job = makeWireJob({
      status: "failed",
      result: null,
      parent_id: "019ab1c2-0000-7000-8000-00000000beef",
      error: "ValueError: no rows",
      traceback: 'Traceback (most recent call last):\n  File "/app/tasks.py", line 3, in load\n    read()\nValueError: no rows',
    });
    serve({ jobs: [job], artifacts: [makeWireArtifact({ job_id: job.id })] });
    renderDashboard(`/jobs/${job.id}`);
    const traceback = await screen.findByRole("group", { name: "Traceback" });
    expect(traceback.textContent).toContain("load/app/tasks.py:3");
    expect(screen.getByRole("group", { name: "Arguments" }).textContent).toContain("monthly");
    expect(screen.queryByRole("heading", { name: "Result" })).toBeNull();
    expect(screen.getByRole("link", { name: "0000beef" })).toBeTruthy();
    const card = await screen.findByRole("article", { name: "report.json" });
    expect(await within(card).findByRole("group", { name: "Content of report.json" })).toBeTruthy();
    const all = screen.getByRole("link", { name: "Download all (zip)" });
    expect(all.getAttribute("href")).toBe(`/api/v1/jobs/${job.id}/artifacts.zip`);
  });

  it("shows every attempt of a job that needed several", async () => {
    const job = makeWireJob({ attempts: 2 });
    const attempt = { number: 1, started_at: job.created_at, ended_at: null, duration_ms: 5, error: "OSError: gone", traceback: null, worker_id: "w" };
    serve({ jobs: [job], attempts: [{ ...attempt, outcome: "lost" }, { ...attempt, number: 2, outcome: "complete", error: null }] });
    renderDashboard(`/jobs/${job.id}`);
    expect(await screen.findByText("worker lost")).toBeTruthy();
    expect(screen.getByText("OSError: gone")).toBeTruthy();
  });

  it("cancels after asking, and retries at once", async () => {
    const active = makeWireJob({ status: "active", completed_at: null, duration_ms: null });
    const asked = serve({ jobs: [active] });
    renderDashboard(`/jobs/${active.id}`);
    await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Cancel the job" }));
    expect(await screen.findByText("cancelled")).toBeTruthy();
    expect(asked).toContain(`POST /api/v1/jobs/${active.id}/cancel`);
  });

  it("runs again with edited arguments, and leads to the new job", async () => {
    const job = makeWireJob({ kwargs: { report_type: "monthly", count: 42 } });
    const world = [job];
    serve({ jobs: world, functions: [makeWireFunction({ parameters: [{ name: "report_type", required: true }] })] });
    const history = renderDashboard(`/jobs/${job.id}`);
    await userEvent.click(await screen.findByRole("button", { name: "Run again…" }));
    const dialog = screen.getByRole("dialog");
    const field = await within(dialog).findByRole<HTMLTextAreaElement>("textbox", { name: /report_type/ });
    expect(field.value).toBe("monthly");
    expect(within(dialog).getByRole<HTMLTextAreaElement>("textbox", { name: /count/ }).value).toBe("42");
    await userEvent.clear(field);
    await userEvent.type(field, "weekly");
    await userEvent.click(within(dialog).getByRole("button", { name: "Run" }));
    await waitFor(() => {
      expect(history.location.pathname).toBe("/jobs/019ab1c2-0000-7000-8000-0000000000aa");
    });
    expect(world[0]?.kwargs).toEqual({ report_type: "weekly", count: 42 });
  });

  it("says that a job does not exist", async () => {
    serve({});
    renderDashboard("/jobs/nope");
    expect((await screen.findByRole("alert")).textContent).toContain("nothing at /api/v1/jobs/nope");
  });
});

describe("functions and workers", () => {
  it("shows a function, and pauses it", async () => {
    const one = makeWireFunction({ key: "tasks.report", name: "report", p95_duration_ms: 1_500, runs_24h: 7 });
    serve({ functions: [one] });
    renderDashboard("/functions/tasks.report");
    expect(await screen.findByText("95 % within 1.5 s")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Pause" }));
    expect(await screen.findByRole("button", { name: "Resume" })).toBeTruthy();
    expect(one.paused).toBe(true);
  });

  it("shows what each worker is running", async () => {
    const instance = makeWireInstance({ active_jobs: 1 });
    const job = makeWireJob({ status: "active", function_name: "train", worker_id: instance.id, progress: 0.4 });
    serve({ workers: [instance], jobs: [job] });
    renderDashboard("/workers");
    const worker = await screen.findByRole("region", { name: "demo" });
    expect(await within(worker).findByRole("link", { name: "train" })).toBeTruthy();
    expect(within(worker).getByRole("img", { name: "1 of 4 slots busy" })).toBeTruthy();
  });
});

describe("settings", () => {
  it("tells what is wrong with the storage, and that an old server tells no settings", async () => {
    serve({});
    renderDashboard("/settings");
    expect(await screen.findByText("the bucket is gone")).toBeTruthy();
    expect(await screen.findByText(/does not tell its settings/)).toBeTruthy();
  });
});

describe("the frame", () => {
  it("tells when nobody answers", async () => {
    fakeServer(() => new Response("", { status: 502 }));
    renderDashboard("/jobs");
    expect(await screen.findByText("The UpNext server does not answer.", { selector: "strong" })).toBeTruthy();
  });

  it("asks for the key, and goes on where one was", async () => {
    let signedIn = false;
    fakeServer(({ pathname }, { method }) => {
      if (pathname === "/api/v1/auth/login" && method === "POST") {
        signedIn = true;
        return json({ ok: true });
      }
      if (!signedIn) return json({ detail: "the API key is missing" }, 401);
      return pathname === "/api/v1/jobs" ? json({ jobs: [], total: 0, has_more: false, next_cursor: null }) : undefined;
    });
    renderDashboard("/jobs");
    await userEvent.type(await screen.findByLabelText("Key"), "secret");
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByText("No jobs yet")).toBeTruthy();
  });

  it("finds a function with the palette, and goes there by keyboard", async () => {
    serve({ functions: [makeWireFunction({ key: "tasks.resize", name: "resize_image" })] });
    const history = renderDashboard("/settings");
    await screen.findByRole("heading", { name: "Settings" });
    await userEvent.keyboard("{Control>}k{/Control}");
    await userEvent.type(await screen.findByRole("combobox", { name: /Find a page/ }), "resize");
    expect(await screen.findByRole("option", { name: /resize_image/ })).toBeTruthy();
    await userEvent.keyboard("{Enter}");
    await waitFor(() => {
      expect(history.location.pathname).toBe("/functions/tasks.resize");
    });
    await userEvent.keyboard("gj");
    await waitFor(() => {
      expect(history.location.pathname).toBe("/jobs");
    });
  });

  it("shows the server's version, and a page for addresses that lead nowhere", async () => {
    serve({});
    renderDashboard("/nowhere");
    expect(await screen.findByText("There is no such page")).toBeTruthy();
    expect(await screen.findByText("v9.9.9")).toBeTruthy();
  });
});
