//! One process of a role after the other, each killed at a step that was chosen before, until there were kills enough.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::children::{Fate, Running};
use crate::home::Home;

/// A point that stands for a kill from outside, after at most so many milliseconds.
pub(crate) const ANY_MOMENT: &str = "any moment";

/// Kills processes of one role at these points, each passed at most so often before.
pub(crate) struct Lives {
    pub(crate) role: &'static str,
    pub(crate) points: &'static [(&'static str, u64)],
    pub(crate) kills: usize,
    begun: AtomicUsize,
    done: Mutex<BTreeMap<&'static str, usize>>,
}

impl Lives {
    pub(crate) fn new(role: &'static str, points: &'static [(&'static str, u64)], kills: usize) -> Self {
        Self { role, points, kills, begun: AtomicUsize::new(0), done: Mutex::default() }
    }

    pub(crate) fn killed(&self) -> usize {
        self.done.lock().unwrap().values().sum()
    }

    pub(crate) fn over(&self) -> bool {
        self.killed() >= self.kills
    }

    /// Lets processes live and die until there were kills enough.
    pub(crate) fn run(&self, home: &Home) {
        while !self.over() {
            let life = self.begun.fetch_add(1, Ordering::SeqCst);
            let (point, most) = self.points[life % self.points.len()];
            let count = fastrand::u64(1..=most);
            let fault = (point != ANY_MOMENT).then(|| format!("kill@{point}:{count}"));
            let mut child = Running::start(home, self.role, fault.as_deref());
            if fault.is_none() {
                std::thread::sleep(Duration::from_millis(100 + count));
                child.signal(Signal::KILL);
            }
            let fate = child.wait();
            assert_eq!(fate, Fate::Killed, "a {} ended by itself:\n{}", self.role, home.words_of_children());
            *self.done.lock().unwrap().entry(point).or_default() += 1;
        }
    }

    /// Prints where the kills were, and panics if a point was never reached.
    pub(crate) fn report(&self) {
        let done = self.done.lock().unwrap();
        println!("kills                            {:>8}  {done:?}", done.values().sum::<usize>());
        for (point, _) in self.points {
            assert!(
                done.contains_key(point),
                "no {} was killed at '{point}': is the step still there?",
                self.role
            );
        }
    }
}
