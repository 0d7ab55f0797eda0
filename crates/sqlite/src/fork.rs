//! Forks of this process while SQLite is at work in other threads.
//!
//! A child has the memory of its parent but only the thread that forked: a lock that another thread held at that moment stays
//! locked in the child for ever, and SQLite has locks that all connections of a process share. So whoever forks and goes
//! on in the child without `exec` waits until nobody is inside of SQLite, and lets nobody in meanwhile. Everything
//! here is atomics, which have no owner that could be missing in the child.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a fork waits for a slow query or a slow disk. Then it goes ahead: a child that hangs is better than a parent that
/// does.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to stand back between two looks.
const PAUSE: Duration = Duration::from_micros(50);

static INSIDE: AtomicUsize = AtomicUsize::new(0);
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Proof that no fork happens while it lives. Not to be taken twice by one thread.
#[derive(Debug)]
pub(crate) struct NoFork(());

impl NoFork {
    /// Waits while somebody forks, which is seldom and short.
    pub(crate) fn now() -> Self {
        loop {
            if !CLOSED.load(Ordering::SeqCst) {
                INSIDE.fetch_add(1, Ordering::SeqCst);
                if !CLOSED.load(Ordering::SeqCst) {
                    return Self(());
                }
                INSIDE.fetch_sub(1, Ordering::SeqCst);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for NoFork {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// To be called by the thread that is about to fork: when this returns, nobody is inside of SQLite (or something has been
/// for two seconds).
pub fn before() {
    CLOSED.store(true, Ordering::SeqCst);
    let began = Instant::now();
    while INSIDE.load(Ordering::SeqCst) > 0 && began.elapsed() < PATIENCE {
        std::thread::sleep(PAUSE);
    }
}

/// To be called in the parent after the fork, or after one that failed.
pub fn after_in_parent() {
    CLOSED.store(false, Ordering::SeqCst);
}

/// To be called in the child.
pub fn after_in_child() {
    // Threads of the parent that were about to go in, or were waited for in vain, do not exist here.
    INSIDE.store(0, Ordering::SeqCst);
    CLOSED.store(false, Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_inside_while_somebody_forks() {
        let inside = NoFork::now();
        let forking = std::thread::spawn(|| {
            before();
            INSIDE.load(Ordering::SeqCst)
        });
        while !CLOSED.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let waiting = std::thread::spawn(|| drop(NoFork::now()));
        assert!(!forking.is_finished(), "a fork should wait for whoever is inside");
        drop(inside);
        assert_eq!(forking.join().unwrap(), 0);
        assert!(!waiting.is_finished(), "nobody should get in while somebody forks");
        after_in_parent();
        waiting.join().unwrap();
    }
}
