//! What a worker says of its jobs, for whoever watches it: one line when an attempt begins and one when it ends.

use upnext_core::{ClaimedJob, Clock as _, Outcome, SystemClock, Timestamp};

/// An attempt begins.
pub(crate) fn begun(job: &ClaimedJob) {
    tracing::info!(target: "upnext::jobs", job = %job.lease.job_id, function = job.function, attempt = job.attempt, "job started");
}

/// An attempt that began at this moment ended.
pub(crate) fn ended(job: &ClaimedJob, started_at: Timestamp, outcome: &Outcome) {
    let (id, function, attempt) = (job.lease.job_id, &job.function, job.attempt);
    match outcome {
        Outcome::Complete { .. } => {
            let duration_ms = millis_since(started_at);
            tracing::info!(target: "upnext::jobs", job = %id, function, attempt, duration_ms, "job complete");
        }
        Outcome::Cancelled => {
            let duration_ms = millis_since(started_at);
            tracing::info!(target: "upnext::jobs", job = %id, function, attempt, duration_ms, "job cancelled");
        }
        Outcome::Failed { error, .. } => {
            let duration_ms = millis_since(started_at);
            tracing::warn!(job = %id, function, attempt, duration_ms, "attempt failed: {error}");
        }
        Outcome::TimedOut => {
            let duration_ms = millis_since(started_at);
            tracing::warn!(
                job = %id, function, attempt, duration_ms,
                "attempt ran longer than its timeout of {:?}", job.timeout
            );
        }
    }
}

/// The worker stops and does not wait for the attempt any longer.
pub(crate) fn given_back(job: &ClaimedJob) {
    tracing::info!(
        target: "upnext::jobs", job = %job.lease.job_id, function = job.function, attempt = job.attempt,
        "job given back to the queue: the worker stops"
    );
}

fn millis_since(moment: Timestamp) -> f64 {
    SystemClock.now().since(moment).as_micros() as f64 / 1000.0
}
