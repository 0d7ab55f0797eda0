//! Times in tables, written the way people read them.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A point in time given in units of which so many make a second. None when it lies outside the calendar.
pub(crate) fn instant(value: i64, units_per_second: i64, zoned: bool) -> Option<String> {
    let seconds = value.div_euclid(units_per_second);
    let nanos = value.rem_euclid(units_per_second) * (NANOS_PER_SECOND / units_per_second);
    let timestamp = Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()?;
    Some(if zoned { timestamp.to_string() } else { TimeZone::UTC.to_datetime(timestamp).to_string() })
}

/// A date given in days since 1970.
pub(crate) fn date(days: i64) -> Option<String> {
    let epoch = Date::constant(1970, 1, 1);
    let span = jiff::Span::new().try_days(days).ok()?;
    epoch.checked_add(span).ok().map(|date| date.to_string())
}

/// A time of day given in units of which so many make a second.
pub(crate) fn time_of_day(value: i64, units_per_second: i64) -> Option<String> {
    let nanos = value.checked_mul(NANOS_PER_SECOND / units_per_second)?;
    let span = jiff::SignedDuration::from_nanos(nanos);
    (0..86_400 * NANOS_PER_SECOND).contains(&nanos).then(|| Time::midnight().wrapping_add(span).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        assert_eq!(instant(1_700_000_000_123, 1000, true).as_deref(), Some("2023-11-14T22:13:20.123Z"));
        assert_eq!(instant(-1, 1000, false).as_deref(), Some("1969-12-31T23:59:59.999"));
        assert_eq!(date(19_000).as_deref(), Some("2022-01-08"));
        assert_eq!(time_of_day(3_600_000, 1000).as_deref(), Some("01:00:00"));
    }

    #[test]
    fn times_outside_the_calendar_have_no_text() {
        assert_eq!(instant(i64::MAX, 1, true), None);
        assert_eq!(date(i64::MIN), None);
        assert_eq!(time_of_day(-1, 1000), None);
        assert_eq!(time_of_day(i64::MAX, 1000), None);
    }
}
