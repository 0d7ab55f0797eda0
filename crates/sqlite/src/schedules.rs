//! When cron functions run next: `list_schedules`, `fire_schedule`.

use rusqlite::{Connection, OptionalExtension, params};
use upnext_core::backend::{Firing, ScheduleEntry, Schedules};
use upnext_core::function::CronRule;
use upnext_core::{FunctionDefinition, Timestamp};

use crate::enqueue;
use crate::lane::Transaction;
use crate::rows;

/// Begins a schedule that is new or has changed; one that is known goes on where it was.
pub(crate) fn register(
    transaction: &Transaction<'_>,
    function: &FunctionDefinition,
    cron: &CronRule,
) -> rusqlite::Result<()> {
    let rule = format!("{} {}", cron.schedule, cron.timezone.as_deref().unwrap_or("UTC"));
    let first = function.first_run_after(transaction.now).map(Timestamp::as_micros);
    let mut register =
        transaction.connection.prepare_cached(include_str!("../queries/register_schedule.sql"))?;
    register.execute(params![function.key, rule, first]).map(drop)
}

/// After a function was registered that is none with a schedule, or no more.
pub(crate) fn forget(transaction: &Transaction<'_>, function: &str) -> rusqlite::Result<()> {
    let mut forget = transaction.connection.prepare_cached(include_str!("../queries/forget_schedule.sql"))?;
    forget.execute([function]).map(drop)
}

pub(crate) fn next_run(connection: &Connection, function: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(find(connection, function)?.and_then(|entry| entry.next_run_at))
}

pub(crate) fn list_schedules(
    connection: &Connection,
    functions: &[String],
    now: Timestamp,
) -> rusqlite::Result<Schedules> {
    let mut entries = Vec::new();
    for function in functions {
        entries.extend(find(connection, function)?);
    }
    Ok(Schedules { entries, now })
}

fn find(connection: &Connection, function: &str) -> rusqlite::Result<Option<ScheduleEntry>> {
    let mut find = connection.prepare_cached(include_str!("../queries/list_schedules.sql"))?;
    find.query_row([function], |row| {
        Ok(ScheduleEntry { function: row.get(0)?, next_run_at: rows::moment(row, 1)?, paused: row.get(2)? })
    })
    .optional()
}

pub(crate) fn fire_schedule(transaction: &mut Transaction<'_>, firing: &Firing) -> rusqlite::Result<bool> {
    let mut advance = transaction.connection.prepare_cached(include_str!("../queries/fire_schedule.sql"))?;
    let next = firing.next_run_at.map(Timestamp::as_micros);
    let advanced = advance.execute(params![firing.function, firing.expected.as_micros(), next])?;
    drop(advance);
    if advanced == 0 {
        return Ok(false);
    }
    enqueue::enqueue(transaction, &firing.jobs)?;
    Ok(true)
}
