//! Schedules: when a cron function is due, in its time zone, and what becomes of runs that nobody was there for.
//!
//! Pure functions over moments. The engine asks them, a backend keeps the next run, and neither decides anything else.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDateTime, Cron, CronDateTime, Resolution, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, ZonedDateTime};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::job::word_enum;

/// Runs that one look at a schedule makes at most. A schedule that is further behind goes on in the next look.
pub const MAX_RUNS_AT_ONCE: usize = 1000;

/// A run that begins this late still counts as on time: machines are slow at times, and a worker that is restarted is
/// back within this.
pub const ON_TIME: Duration = Duration::from_secs(60);

word_enum! {
    /// What to do about runs whose time passed while no worker was there.
    MissedRunPolicy, "missed run policy" {
        /// Every one of them is run, oldest first, as far back as `max_catch_up_seconds` reaches.
        CatchUp = "catch_up",
        /// Only the newest of them is run.
        LatestOnly = "latest_only",
        /// None is run; the schedule goes on with the next.
        Skip = "skip",
    }
}

/// A schedule in a time zone.
///
/// ```
/// use upnext_core::schedule::Schedule;
/// use upnext_core::Timestamp;
///
/// let schedule = Schedule::parse("30 2 * * *", Some("Europe/Berlin"))?;
/// let after: Timestamp = "2026-03-28T12:00:00Z".parse().unwrap();
/// // The clocks go forward that night, from 2 to 3 o'clock: the run comes with the first moment after the gap.
/// assert_eq!(schedule.next_after(after), Some("2026-03-29T01:00:00Z".parse().unwrap()));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// Reads five fields (minute, hour, day of the month, month, day of the week) or six (seconds first), in the time
    /// zone of this IANA name (without one: UTC).
    ///
    /// When clocks go forward, a run whose time of day does not exist comes with the first moment that does; when they
    /// go back, a time of day that exists twice counts once. Schedules that repeat by the hour or faster follow the
    /// hours that really pass.
    ///
    /// # Errors
    /// One sentence that names the schedule or time zone and its rule.
    pub fn parse(text: &str, zone: Option<&str>) -> Result<Self, String> {
        let fields = text.split_whitespace().count();
        let nickname = text.trim().starts_with('@');
        if !nickname && !(5..=6).contains(&fields) {
            return Err(format!(
                "'{text}' is not a schedule: it has {fields} fields, and a schedule has 5 (minute hour day month weekday) \
                 or 6 with the seconds first"
            ));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .dom_and_dow(false)
            .build();
        let cron = parser.parse(text).map_err(|error| format!("'{text}' is not a schedule: {error}"))?;
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| {
                format!("there is no time zone '{name}': use an IANA name such as 'Europe/Berlin' or 'UTC'")
            })?,
        };
        Ok(Self { cron, zone })
    }

    /// The first run after this moment; `None` when there is none (30 February, say).
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let after = Local(
            jiff::Timestamp::from_microsecond(moment.as_micros()).ok()?.to_zoned_datetime(self.zone.clone()),
        );
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(Timestamp::from_micros(next.0.timestamp().as_microsecond()))
    }

    /// Which runs to make at `now`, when the next one expected was `expected`, and which is expected then. Nothing is to
    /// be done while `expected` is in the future.
    ///
    /// ```
    /// use std::time::Duration;
    /// use upnext_core::schedule::{MissedRunPolicy, Schedule};
    /// use upnext_core::Timestamp;
    ///
    /// let hourly = Schedule::parse("0 * * * *", None)?;
    /// let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    /// let due = hourly.due(at("2026-01-01T01:00:00Z"), at("2026-01-01T03:30:00Z"), MissedRunPolicy::LatestOnly, None);
    /// assert_eq!(due.runs, [at("2026-01-01T03:00:00Z")]);
    /// assert_eq!(due.next, Some(at("2026-01-01T04:00:00Z")));
    /// # Ok::<(), String>(())
    /// ```
    #[must_use]
    pub fn due(
        &self,
        expected: Timestamp,
        now: Timestamp,
        policy: MissedRunPolicy,
        max_catch_up: Option<Duration>,
    ) -> Due {
        // What is too old to be run is passed over without being counted one by one.
        let oldest = match policy {
            MissedRunPolicy::LatestOnly => return self.latest(expected, now),
            MissedRunPolicy::CatchUp => max_catch_up.map(|most| now.before(most)),
            MissedRunPolicy::Skip => Some(now.before(ON_TIME)),
        };
        let mut next = Some(expected);
        if let Some(oldest) = oldest
            && expected < oldest
        {
            next = self.next_after(oldest.before(Duration::from_micros(1)));
        }
        let mut runs = Vec::new();
        while let Some(run) = next.filter(|run| *run <= now && runs.len() < MAX_RUNS_AT_ONCE) {
            runs.push(run);
            next = self.next_after(run);
        }
        Due { runs, next }
    }

    /// The newest run up to `now`, found backwards.
    fn latest(&self, expected: Timestamp, now: Timestamp) -> Due {
        if expected > now {
            return Due { runs: Vec::new(), next: Some(expected) };
        }
        let next = self.next_after(now);
        let newest = self.newest_until(now).filter(|newest| *newest >= expected).unwrap_or(expected);
        Due { runs: vec![newest], next }
    }

    fn newest_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = Local(
            jiff::Timestamp::from_microsecond(now.as_micros()).ok()?.to_zoned_datetime(self.zone.clone()),
        );
        let newest = self.cron.find_previous_occurrence(&until, true).ok()?;
        Some(Timestamp::from_micros(newest.0.timestamp().as_microsecond()))
    }
}

/// What a look at a schedule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The runs to make, oldest first.
    pub runs: Vec<Timestamp>,
    /// The run expected after them.
    pub next: Option<Timestamp>,
}

/// A moment in a time zone, as croner searches over it.
#[derive(Clone)]
struct Local(ZonedDateTime);

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0.datetime();
        let small = |part: i8| u32::from(part.unsigned_abs());
        CivilDateTime::from_ymd_hms_opt(
            i32::from(at.year()),
            small(at.month()),
            small(at.day()),
            small(at.hour()),
            small(at.minute()),
            small(at.second()),
        )
        .unwrap_or_else(|| unreachable!("jiff keeps the parts of a date in their ranges"))
    }

    fn civil_weekday(&self) -> Weekday {
        match self.0.weekday().to_sunday_zero_offset() {
            0 => Weekday::Sunday,
            1 => Weekday::Monday,
            2 => Weekday::Tuesday,
            3 => Weekday::Wednesday,
            4 => Weekday::Thursday,
            5 => Weekday::Friday,
            _ => Weekday::Saturday,
        }
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, croner::errors::CronError> {
        let invalid = croner::errors::CronError::InvalidDate;
        let part = |part: u32| i8::try_from(part).unwrap_or(i8::MAX);
        let (Ok(year), month, day) = (i16::try_from(civil.year()), part(civil.month()), part(civil.day()))
        else {
            return Err(invalid);
        };
        let (hour, minute, second) = (part(civil.hour()), part(civil.minute()), part(civil.second()));
        let Ok(at) = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0) else {
            return Err(invalid);
        };
        let ambiguous = self.0.time_zone().to_ambiguous_zoned_datetime(at);
        let both = (ambiguous.clone().earlier(), ambiguous.clone().later());
        match (ambiguous.offset(), both) {
            (AmbiguousOffset::Gap { .. }, _) => Ok(Resolution::Gap),
            (AmbiguousOffset::Fold { .. }, (Ok(earlier), Ok(later))) => {
                Ok(Resolution::Ambiguous(Self(earlier), Self(later)))
            }
            (_, (Ok(only), _)) => Ok(Resolution::Single(Self(only))),
            (_, (Err(_), _)) => Err(invalid),
        }
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn runs(schedule: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(schedule, Some(zone)).unwrap();
        let mut moment = at(after);
        let mut found = Vec::new();
        for _ in 0..count {
            moment = schedule.next_after(moment).unwrap();
            found.push(moment.to_string());
        }
        found
    }

    #[test]
    fn five_fields_count_minutes_and_six_seconds() {
        assert_eq!(
            runs("*/15 * * * *", "UTC", "2026-01-01T00:50:00Z", 2),
            ["2026-01-01T01:00:00.000000Z", "2026-01-01T01:15:00.000000Z"]
        );
        assert_eq!(
            runs("*/20 * * * * *", "UTC", "2026-01-01T00:00:20Z", 2),
            ["2026-01-01T00:00:40.000000Z", "2026-01-01T00:01:00.000000Z"]
        );
    }

    #[test]
    fn a_time_of_day_that_exists_twice_counts_once() {
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00.000000Z", "2026-10-26T01:30:00.000000Z"]
        );
    }

    #[test]
    fn hourly_runs_follow_the_hours_that_really_pass() {
        assert_eq!(
            runs("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4),
            [
                "2026-10-25T00:00:00.000000Z",
                "2026-10-25T01:00:00.000000Z",
                "2026-10-25T02:00:00.000000Z",
                "2026-10-25T03:00:00.000000Z"
            ]
        );
    }

    #[test]
    fn bad_schedules_and_zones_name_their_rule() {
        let rule = |text: &str, zone| Schedule::parse(text, zone).unwrap_err();
        assert!(rule("* * *", None).contains("it has 3 fields"), "{}", rule("* * *", None));
        assert!(rule("99 * * * *", None).starts_with("'99 * * * *' is not a schedule: "));
        assert!(rule("* * * * *", Some("Mars/Base")).contains("there is no time zone 'Mars/Base'"));
    }

    #[test]
    fn a_day_that_never_comes_has_no_next_run() {
        assert_eq!(Schedule::parse("0 0 30 2 *", None).unwrap().next_after(at("2026-01-01T00:00:00Z")), None);
    }

    fn due(policy: MissedRunPolicy, now: &str, most: Option<u64>) -> Due {
        let hourly = Schedule::parse("0 * * * *", None).unwrap();
        hourly.due(at("2026-01-01T01:00:00Z"), at(now), policy, most.map(Duration::from_secs))
    }

    #[test]
    fn before_its_time_nothing_is_due() {
        for policy in MissedRunPolicy::ALL {
            let nothing = Due { runs: vec![], next: Some(at("2026-01-01T01:00:00Z")) };
            assert_eq!(due(*policy, "2026-01-01T00:59:59Z", None), nothing, "{policy}");
        }
    }

    #[test]
    fn on_time_every_policy_runs_once() {
        for policy in MissedRunPolicy::ALL {
            let once = Due { runs: vec![at("2026-01-01T01:00:00Z")], next: Some(at("2026-01-01T02:00:00Z")) };
            assert_eq!(due(*policy, "2026-01-01T01:00:02Z", Some(3600)), once, "{policy}");
        }
    }

    #[test]
    fn missed_runs_follow_the_policy() {
        let now = "2026-01-01T04:10:00Z";
        let next = Some(at("2026-01-01T05:00:00Z"));
        let hours =
            |hours: &[u8]| hours.iter().map(|h| at(&format!("2026-01-01T0{h}:00:00Z"))).collect::<Vec<_>>();
        let expect = |found: Due, runs: &[u8]| assert_eq!(found, Due { runs: hours(runs), next });
        expect(due(MissedRunPolicy::CatchUp, now, None), &[1, 2, 3, 4]);
        expect(due(MissedRunPolicy::CatchUp, now, Some(2 * 3600)), &[3, 4]);
        expect(due(MissedRunPolicy::LatestOnly, now, None), &[4]);
        expect(due(MissedRunPolicy::Skip, now, None), &[]);
    }

    #[test]
    fn a_schedule_that_is_far_behind_catches_up_in_steps() {
        let every_second = Schedule::parse("* * * * * *", None).unwrap();
        let (from, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let step = every_second.due(from, now, MissedRunPolicy::CatchUp, None);
        assert_eq!(step.runs.len(), MAX_RUNS_AT_ONCE);
        assert_eq!(step.next, Some(from.after(Duration::from_secs(MAX_RUNS_AT_ONCE as u64))));
    }
}
