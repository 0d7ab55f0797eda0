// Typed examples of what the server sends and of what the dashboard holds, for tests. Each takes what the test cares about.
import { toArtifact, type Artifact } from "../api/artifacts";
import type { WireRun } from "../api/artifactWire";
import { toJob, type Job } from "../api/jobs";
import type { WireArtifact, WireDashboardStats, WireFunction, WireJob, WireJobEvent, WireWorkerInstance } from "../api/wire";

let made = 0;

function nextId(): string {
  made += 1;
  return `019ab1c2-0000-7000-8000-${made.toString(16).padStart(12, "0")}`;
}

export function makeWireJob(facts: Partial<WireJob> = {}): WireJob {
  const id = facts.id ?? nextId();
  return {
    id,
    job_key: `generate_report:${id}`,
    function: "generate_report",
    function_name: "generate_report",
    status: "complete",
    created_at: "2026-11-24T02:00:00Z",
    scheduled_at: "2026-11-24T02:00:00Z",
    started_at: "2026-11-24T02:00:00.040Z",
    completed_at: "2026-11-24T02:00:02.190Z",
    attempts: 1,
    max_retries: 3,
    timeout: 1_800,
    worker_id: "demo-3f9c21aa",
    parent_id: null,
    root_id: id,
    progress: 1,
    progress_message: null,
    kwargs: { report_type: "monthly" },
    job_type: "task",
    source: { type: "task" },
    checkpoint: null,
    checkpoint_at: null,
    queue_wait_ms: 40,
    result: { rows: 42 },
    error: null,
    traceback: null,
    failure_reason: null,
    cancel_requested: false,
    priority: 0,
    tags: [],
    duration_ms: 2_150,
    ...facts,
  };
}

export function makeJob(facts: Partial<Job> = {}): Job {
  return { ...toJob(makeWireJob()), ...facts };
}

export function makeWireJobEvent(facts: Partial<WireJobEvent> = {}): WireJobEvent {
  const job_id = facts.job_id ?? nextId();
  return {
    type: "job.started",
    at: "2026-11-24T02:00:00.040Z",
    job_id,
    function: "generate_report",
    function_name: "generate_report",
    parent_id: null,
    root_id: job_id,
    status: "active",
    attempt: 1,
    progress: 0,
    progress_message: null,
    error: null,
    worker_id: "demo-3f9c21aa",
    ...facts,
  };
}

/** A server on which nothing has happened. */
export function makeWireStats(facts: Partial<WireDashboardStats> = {}): WireDashboardStats {
  return {
    runs: { total: 0, success: 0, failed: 0, cancelled: 0, active: 0, success_rate: null, window_hours: 24 },
    queue: { queued: 0, pending: 0, retrying: 0, active: 0, oldest_queued_ms: null },
    workers: { total: 0, alive: 0, slots: 0, busy: 0 },
    apis: { total: 0, alive: 0, requests: 0, success: 0, client_errors: 0, server_errors: 0, error_rate: null, avg_ms: null, p50_ms: null, p95_ms: null },
    artifacts: { count: 0, logical_bytes: 0, stored_bytes: 0 },
    recent_runs: [],
    recent_failures: [],
    top_failing_functions: [],
    oldest_queued_jobs: [],
    stuck_active_jobs: [],
    ...facts,
  };
}

export function makeWireArtifact(facts: Partial<WireArtifact> = {}): WireArtifact {
  return {
    id: nextId(),
    job_id: nextId(),
    function: "generate_report",
    attempt: 1,
    name: "report.json",
    version: 1,
    latest: true,
    type: "json",
    content_type: "application/json",
    size_bytes: 32,
    sha256: "5f".repeat(32),
    storage_backend: "local",
    storage_key: "sha256/5f/5f/5f",
    status: "available",
    error: null,
    created_at: "2026-11-24T02:00:01Z",
    description: null,
    tags: [],
    metadata: null,
    expires_at: null,
    pinned: false,
    ...facts,
  };
}

export function makeArtifact(facts: Partial<Artifact> = {}): Artifact {
  return { ...toArtifact(makeWireArtifact()), ...facts };
}

export function makeRun(facts: Partial<WireRun> = {}): WireRun {
  return {
    id: nextId(),
    function: "generate_report",
    function_name: "generate_report",
    status: "complete",
    attempts: 1,
    created_at: "2026-11-24T02:00:00Z",
    started_at: "2026-11-24T02:00:00.040Z",
    completed_at: "2026-11-24T02:00:02.190Z",
    duration_ms: 2_150,
    progress: 1,
    error: null,
    worker_id: "demo-3f9c21aa",
    ...facts,
  };
}

/** A function that has not run yet. */
export function makeWireFunction(facts: Partial<WireFunction> = {}): WireFunction {
  return {
    key: "generate_report",
    name: "generate_report",
    type: "task",
    active: true,
    paused: false,
    timeout: 1_800,
    max_retries: 3,
    retry_delay: 1,
    retry_backoff: 2,
    parameters: [{ name: "report_type", required: true }],
    rate_limit: null,
    max_concurrency: null,
    routing_group: null,
    group_max_concurrency: null,
    concurrency_key: null,
    key_max_concurrency: null,
    cache_key: null,
    cache_ttl: null,
    timezone: null,
    schedule: null,
    next_run_at: null,
    missed_run_policy: null,
    max_catch_up_seconds: null,
    pattern: null,
    workers: ["demo-3f9c21aa"],
    runs_24h: 0,
    success_rate: null,
    avg_duration_ms: null,
    p95_duration_ms: null,
    avg_wait_ms: null,
    p95_wait_ms: null,
    queue_backlog: 0,
    last_run_at: null,
    last_run_status: null,
    ...facts,
  };
}

export function makeWireInstance(facts: Partial<WireWorkerInstance> = {}): WireWorkerInstance {
  return {
    id: "demo-3f9c21aa",
    worker_name: "demo",
    alive: true,
    started_at: "2026-11-24T01:00:00Z",
    last_heartbeat: "2026-11-24T02:00:00Z",
    stopped_at: null,
    functions: ["generate_report"],
    function_names: { generate_report: "generate_report" },
    concurrency: 4,
    active_jobs: 0,
    memory_bytes: null,
    hostname: "host",
    pid: 4_242,
    language: "python",
    version: "0.1.0",
    ...facts,
  };
}
