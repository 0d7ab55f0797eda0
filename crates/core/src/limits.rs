//! Limits that hold for a function over the whole deployment: how often its jobs begin, and how many run at once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Into how many slots the time of a rate is cut. Starts are counted by slot, and a slot counts until all of it is out of
/// the window: so a rate is never exceeded, and at most 1 in this many is not made use of.
pub const RATE_SLOTS: u32 = 200;

/// At most `count` starts within any `period`, written `100/m`, `5/10s`, `10/minute`.
///
/// ```
/// use upnext_core::limits::Rate;
/// let rate: Rate = "5/10s".parse()?;
/// assert_eq!((rate.count(), rate.period().as_secs()), (5, 10));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    text: String,
    count: u32,
    period: Duration,
}

impl Rate {
    /// Starts within a period.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// How long a period is.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// The window that counts at `now`.
    #[must_use]
    pub fn window(&self, now: Timestamp) -> RateWindow {
        RateWindow::of(self.period, now)
    }
}

/// Where in time the slots of a rate lie, seen from a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateWindow {
    /// Begin of the slot that starts of this moment are counted in.
    pub slot: Timestamp,
    /// Slots that begin at or after this moment, and not in the future, count.
    pub oldest: Timestamp,
    width: i64,
    period: i64,
}

impl RateWindow {
    fn of(period: Duration, now: Timestamp) -> Self {
        let period = i64::try_from(period.as_micros()).unwrap_or(i64::MAX / 2);
        let width = (period / i64::from(RATE_SLOTS)).max(1);
        let begin_of = |micros: i64| Timestamp::from_micros(micros.div_euclid(width) * width);
        Self { slot: begin_of(now.as_micros()), oldest: begin_of(now.as_micros() - period), width, period }
    }

    /// When a slot stops to count.
    #[must_use]
    pub const fn leaves_at(&self, slot: Timestamp) -> Timestamp {
        Timestamp::from_micros(slot.as_micros() + self.width + self.period)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "'{text}' is not a rate limit: write count/unit or count/<k>unit with s, m, h or d, such as '100/m', \
                 '5/10s' or '10/minute'"
            )
        };
        let (count, period) = text.split_once('/').ok_or_else(bad)?;
        let count: u32 = count.trim().parse().map_err(|_| bad())?;
        let period = period.trim();
        let digits = period.find(|char: char| !char.is_ascii_digit()).unwrap_or(period.len());
        let (times, unit) = period.split_at(digits);
        let times: u64 = if times.is_empty() { 1 } else { times.parse().map_err(|_| bad())? };
        let unit = match unit {
            "s" | "second" | "seconds" => 1,
            "m" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            _ => return Err(bad()),
        };
        let seconds =
            times.checked_mul(unit).filter(|seconds| (1..=366 * 86_400).contains(seconds)).ok_or_else(bad)?;
        if count == 0 {
            return Err(format!(
                "'{text}' is not a rate limit: the count is at least 1 (pause the function to stop it)"
            ));
        }
        Ok(Self { text: text.to_owned(), count, period: Duration::from_secs(seconds) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What holds for the jobs of a function together, wherever they run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How often jobs begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<Rate>,
    /// How many run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// Functions of the same group share `group_max_concurrency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_group: Option<String>,
    /// How many jobs of the whole group may run when one of this function begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_max_concurrency: Option<u32>,
}

impl Limits {
    /// True when a claim has to look at them.
    #[must_use]
    pub const fn bind(&self) -> bool {
        self.rate_limit.is_some() || self.counts_running()
    }

    /// True when running jobs have to be counted.
    #[must_use]
    pub const fn counts_running(&self) -> bool {
        // A function without a limit of its own still uses up that of its group.
        self.max_concurrency.is_some() || self.routing_group.is_some()
    }

    /// Checks that they make sense together.
    ///
    /// # Errors
    /// One sentence that names the limit and its rule.
    pub fn validate(&self) -> Result<(), String> {
        for (name, value) in
            [("max_concurrency", self.max_concurrency), ("group_max_concurrency", self.group_max_concurrency)]
        {
            if value == Some(0) {
                return Err(format!("{name} is at least 1, not 0 (pause the function to stop it)"));
            }
        }
        match &self.routing_group {
            None if self.group_max_concurrency.is_some() => {
                Err("group_max_concurrency needs a routing_group: name the group whose jobs it counts"
                    .to_owned())
            }
            Some(group) if group.trim().is_empty() || group.chars().count() > 255 => {
                Err(format!("{group:?} is not a routing_group: it is a text of 1 to 255 characters"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_with_every_unit() {
        for (text, count, seconds) in [
            ("100/m", 100, 60),
            ("5/10s", 5, 10),
            ("10/minute", 10, 60),
            ("1/h", 1, 3600),
            ("3/2days", 3, 172_800),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.count(), rate.period().as_secs()), (count, seconds), "{text}");
            assert_eq!(rate.to_string(), text);
        }
        for text in ["", "5", "5/", "/m", "5/0s", "5/fortnight", "-1/s", "0/s", "1.5/s", "5/m/s"] {
            assert!(text.parse::<Rate>().unwrap_err().contains("is not a rate limit"), "{text}");
        }
    }

    #[test]
    fn a_slot_counts_until_all_of_it_is_out_of_the_window() {
        let rate: Rate = "1/s".parse().unwrap();
        let start = Timestamp::from_micros(1_000_004_999);
        let slot = rate.window(start).slot;
        let leaves = rate.window(start).leaves_at(slot);
        assert!(leaves >= start.after(rate.period()), "it leaves before a period is over");
        let counts_at = |now: Timestamp| rate.window(now).oldest <= slot;
        assert!(counts_at(leaves.before(Duration::from_micros(1))));
        assert!(!counts_at(leaves));
        assert!(leaves.since(start) <= rate.period().mul_f64(1.006), "it counts for too long");
    }

    #[test]
    fn limits_that_make_no_sense_say_why() {
        let rule = |limits: Limits| limits.validate().unwrap_err();
        assert!(rule(Limits { max_concurrency: Some(0), ..Limits::default() }).contains("at least 1"));
        assert!(
            rule(Limits { group_max_concurrency: Some(1), ..Limits::default() })
                .contains("needs a routing_group")
        );
        assert!(
            rule(Limits { routing_group: Some(" ".into()), ..Limits::default() })
                .contains("not a routing_group")
        );
    }
}
