//! When cron functions run next: `list_schedules`, `fire_schedule`.

use upnext_core::Timestamp;
use upnext_core::backend::{Firing, Result, ScheduleEntry, Schedules};

use crate::Redis;
use crate::enqueue::add_job;
use crate::link::Repeat;
use crate::reply::Reply;

pub(crate) async fn list_schedules(redis: &Redis, functions: &[String]) -> Result<Schedules> {
    let mut args = redis.now.begin();
    args.each(functions);
    let mut reply = Reply::new(redis.link.call("list_schedules", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut found = Reply::new(reply.list()?);
    let mut entries = Vec::new();
    while !found.is_empty() {
        entries.push(ScheduleEntry {
            function: found.text()?,
            next_run_at: found.optional_moment()?,
            paused: found.number::<i64>()? == 1,
        });
    }
    Ok(Schedules { entries, now: reply.moment()? })
}

pub(crate) async fn fire_schedule(redis: &Redis, firing: &Firing) -> Result<bool> {
    let mut args = redis.now.begin();
    args.add(&firing.function).moment(firing.expected).optional(firing.next_run_at.map(Timestamp::as_micros));
    firing.jobs.iter().for_each(|job| add_job(&mut args, job));
    let mut reply = Reply::new(redis.link.call("fire_schedule", &args, Repeat::Never).await?);
    let work = reply.number::<i64>()? == 1;
    if work {
        redis.signals.work_available();
    }
    Ok(reply.number::<i64>()? == 1)
}
