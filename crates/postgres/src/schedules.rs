//! When cron functions run next: `list_schedules`, `fire_schedule`.

use upnext_core::backend::{Firing, ScheduleEntry};
use upnext_core::function::CronRule;
use upnext_core::{FunctionDefinition, Timestamp};

use crate::database::{Connection, Transaction};
use crate::enqueue::enqueue_on;
use crate::faults::Result;
use crate::params::params;
use crate::rows;

/// Begins a schedule that is new or has changed; one that is known goes on where it was.
pub(crate) async fn register(
    transaction: &Transaction<'_>,
    function: &FunctionDefinition,
    cron: &CronRule,
) -> Result<()> {
    let rule = format!("{} {}", cron.schedule, cron.timezone.as_deref().unwrap_or("UTC"));
    let first = function.first_run_after(transaction.now).map(Timestamp::as_micros);
    let register = include_str!("../queries/register_schedule.sql");
    transaction.all(register, params![function.key.as_str(), rule, first]).await.map(drop)
}

/// After a function was registered that is none with a schedule, or no more.
pub(crate) async fn forget(transaction: &Transaction<'_>, function: &str) -> Result<()> {
    transaction.all(include_str!("../queries/forget_schedule.sql"), params![function]).await.map(drop)
}

pub(crate) async fn list_schedules(
    connection: &Connection<'_>,
    functions: &[String],
) -> Result<Vec<ScheduleEntry>> {
    let functions: Vec<&str> = functions.iter().map(String::as_str).collect();
    let rows = connection.all(include_str!("../queries/list_schedules.sql"), params![functions]).await?;
    rows.iter()
        .map(|row| {
            Ok(ScheduleEntry {
                function: row.try_get(0)?,
                next_run_at: rows::moment(row, 1)?,
                paused: row.try_get(2)?,
            })
        })
        .collect()
}

pub(crate) async fn fire_schedule(transaction: &mut Transaction<'_>, firing: &Firing) -> Result<bool> {
    let next = firing.next_run_at.map(Timestamp::as_micros);
    let advance = include_str!("../queries/fire_schedule.sql");
    let given = params![firing.function.as_str(), firing.expected.as_micros(), next];
    if transaction.optional(advance, given).await?.is_none() {
        return Ok(false);
    }
    enqueue_on(transaction, &firing.jobs, Some(transaction.now.as_micros()), None).await?;
    transaction.work_available();
    Ok(true)
}
