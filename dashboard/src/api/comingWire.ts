// REST shapes that the OpenAPI document does not hold yet, written by hand. Each goes away once `schema.gen.ts` has it.
// Only the converters of this folder and the test factories may import this file.
import type { WireArtifactStats } from "./artifactWire";
import type { WireJob } from "./wire";

export interface WireDashboardStats {
  runs: {
    total: number;
    success: number;
    failed: number;
    cancelled: number;
    active: number;
    /** From 0 to 100. */
    success_rate: number | null;
    window_hours: number;
  };
  queue: { queued: number; pending: number; retrying: number; active: number; oldest_queued_ms: number | null };
  workers: { total: number; alive: number; slots: number; busy: number };
  apis: { total: number };
  artifacts: Pick<WireArtifactStats["artifacts"], "count" | "logical_bytes" | "stored_bytes">;
  recent_runs: WireJob[];
  recent_failures: WireJob[];
  top_failing_functions: {
    function: string;
    function_name: string;
    failed: number;
    total: number;
    /** From 0 to 100. */
    failure_rate: number;
  }[];
  oldest_queued_jobs: WireJob[];
  stuck_active_jobs: WireJob[];
}

export interface WireJobTrends {
  hourly: { hour: string; complete: number; failed: number; retrying: number; active: number }[];
}

export interface WireSubmission {
  function: string;
  kwargs: Record<string, unknown>;
  /** Seconds from now. */
  delay?: number;
  at?: string;
  priority?: number;
  idempotency_key?: string;
}

export interface WireSubmitted {
  job_id: string;
  /** False when a job with the same idempotency key is waiting or running already. */
  created: boolean;
}

export interface WireSettings {
  settings: { name: string; value: unknown; source: string; secret: boolean }[];
  backend: Record<string, unknown>;
  storage: Record<string, unknown>;
}
