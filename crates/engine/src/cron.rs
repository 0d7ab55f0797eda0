//! Schedules of a worker's cron functions: looks which are due and makes their runs.
//!
//! Every worker that offers a function looks; the backend lets one of them make a run. Which runs are due is decided by
//! `core::schedule`, by the backend's clock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use upnext_core::backend::{Firing, ScheduleEntry};
use upnext_core::client::Submission;
use upnext_core::function::CronRule;
use upnext_core::schedule::Schedule;
use upnext_core::{BackendError, Client, FunctionDefinition, JobType, RawJson, Timestamp};

/// The longest sleep between two looks: clocks step, and functions are resumed.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// The shortest, after one that could not make what it found.
const AFTER_ERROR: Duration = Duration::from_secs(1);

struct Entry {
    definition: FunctionDefinition,
    rule: CronRule,
    schedule: Schedule,
}

/// The schedules of one worker.
pub(crate) struct Cron {
    client: Client,
    keys: Arc<[String]>,
    entries: HashMap<String, Entry>,
}

impl Cron {
    /// Those of these functions; `None` when none has one.
    pub(crate) fn of(functions: &[FunctionDefinition], client: Client) -> Option<Self> {
        let entries: HashMap<String, Entry> = functions
            .iter()
            .filter_map(|definition| {
                let rule = definition.cron.clone()?;
                let schedule = rule.parse().ok()?;
                Some((definition.key.clone(), Entry { definition: definition.clone(), rule, schedule }))
            })
            .collect();
        let keys = entries.keys().cloned().collect();
        (!entries.is_empty()).then_some(Self { client, keys, entries })
    }

    pub(crate) async fn run_for_ever(self) {
        let mut clock = self.client.backend().signals().subscribe_clock();
        loop {
            let begun = Instant::now();
            let sleep = self.look().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot make the runs of schedules; trying again in {AFTER_ERROR:?}");
                AFTER_ERROR
            });
            tokio::select! {
                () = tokio::time::sleep_until(begun + sleep) => {}
                Ok(()) = clock.changed() => {}
            }
        }
    }

    /// Makes what is due and answers how long there is nothing to do.
    async fn look(&self) -> Result<Duration, BackendError> {
        let schedules = self.client.backend().list_schedules(Arc::clone(&self.keys)).await?;
        let mut sleep = LONGEST_SLEEP;
        for known in schedules.entries.iter().filter(|known| !known.paused) {
            let Some(entry) = self.entries.get(&known.function) else { continue };
            let next = entry.make_due_runs(&self.client, known, schedules.now).await?;
            if let Some(next) = next {
                sleep = sleep.min(next.since(schedules.now));
            }
        }
        Ok(sleep)
    }
}

impl Entry {
    /// Answers which run is expected then.
    async fn make_due_runs(
        &self,
        client: &Client,
        known: &ScheduleEntry,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, BackendError> {
        let Some(expected) = known.next_run_at else { return Ok(None) };
        if expected > now {
            return Ok(Some(expected));
        }
        let due = self.schedule.due(expected, now, self.rule.missed_run_policy, self.rule.max_catch_up());
        let jobs = due
            .runs
            .iter()
            .map(|run| self.submission(*run).into_new_job())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| BackendError::Unexpected(error.to_string()))?;
        let made = jobs.len();
        let function = known.function.clone();
        let firing = Firing { function, expected, next_run_at: due.next, jobs };
        if client.backend().fire_schedule(firing).await? {
            tracing::debug!(function = known.function, made, "made the runs of a schedule");
        }
        Ok(due.next)
    }

    fn submission(&self, run: Timestamp) -> Submission {
        let source = serde_json::json!({
            "type": JobType::Cron,
            "schedule": self.rule.schedule,
            "timezone": self.rule.timezone.as_deref().unwrap_or("UTC"),
            "scheduled_for": run,
        });
        Submission {
            source: RawJson::of(&source).ok(),
            ..Submission::to(&self.definition, RawJson::trusted("{}"))
        }
    }
}
