//! Plans that the server made when tables were small.
//!
//! PostgreSQL plans a prepared statement for its values a few times, and then keeps one plan until the tables are analyzed. One
//! that was made for an empty queue reads the whole table, which is the best way then, and costs a thousand times as much as the
//! index once a hundred thousand jobs are there. So a statement that takes long is prepared anew, whose plans fit the tables as
//! they are; not too often, since it may take long for other reasons.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a statement takes that may have an old plan.
const SLOW: Duration = Duration::from_millis(3);

/// How long a new plan stays however slow its statement is: at first, and at most.
const FIRST_STAY: Duration = Duration::from_millis(200);
const LONGEST_STAY: Duration = Duration::from_secs(5);

/// A statement that was not slow for as many stays was slow for a reason that is over.
const FORGOTTEN_AFTER: u32 = 4;

/// Which statements were prepared anew, and when.
#[derive(Debug, Default)]
pub(crate) struct Plans(Mutex<HashMap<String, Planned>>);

#[derive(Debug)]
struct Planned {
    at: Instant,
    stay: Duration,
}

impl Plans {
    /// Whether a statement that took so long should be prepared anew, which the caller then has to do.
    pub(crate) fn has_outlived(&self, statement: &str, took: Duration) -> bool {
        took >= SLOW && self.has_outlived_at(statement, Instant::now())
    }

    fn has_outlived_at(&self, statement: &str, now: Instant) -> bool {
        // What a panic could leave behind is a plan that stays a little longer.
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(planned) = plans.get_mut(statement) else {
            plans.insert(statement.to_owned(), Planned { at: now, stay: FIRST_STAY });
            return true;
        };
        let age = now.saturating_duration_since(planned.at);
        if age < planned.stay {
            return false;
        }
        let is_over = age >= planned.stay * FORGOTTEN_AFTER;
        let stay = if is_over { FIRST_STAY } else { (planned.stay * 2).min(LONGEST_STAY) };
        *planned = Planned { at: now, stay };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_statement_is_planned_anew_ever_more_seldom() {
        let (plans, start) = (Plans::default(), Instant::now());
        let slow_at = |ms: u64| plans.has_outlived_at("SELECT 1", start + Duration::from_millis(ms));
        assert!(slow_at(0), "its plan is of an unknown age");
        assert!(!slow_at(199));
        assert!(slow_at(200));
        assert!(!slow_at(599), "planned anew it is as slow as before");
        let times = (600..60_000).filter(|ms| slow_at(*ms)).count();
        assert!((12..=16).contains(&times), "planned {times} times in a minute");
    }

    #[test]
    fn quick_statements_keep_their_plan_and_pauses_are_forgotten() {
        let (plans, start) = (Plans::default(), Instant::now());
        assert!(!plans.has_outlived("SELECT 1", Duration::from_millis(2)));
        assert!(
            (0..20_000)
                .filter(|ms| plans.has_outlived_at("SELECT 1", start + Duration::from_millis(*ms)))
                .count()
                > 5
        );
        let later = start + Duration::from_secs(60);
        assert!(plans.has_outlived_at("SELECT 1", later));
        assert!(
            plans.has_outlived_at("SELECT 1", later + FIRST_STAY),
            "after a pause it is looked at as if for the first time"
        );
        assert!(plans.has_outlived_at("SELECT 2", later), "each statement by itself");
    }
}
