//! Named points of the code at which a process under test ends itself as a crash would, or stands still as a machine that
//! sleeps would.
//!
//! They exist only with the feature `faults`, which nothing but the tests of `crates/crash` turns on, and only in builds
//! with debug assertions: in a release build [`point`] is empty whatever its features are. Even then nothing happens
//! unless the variable `FAULT_AT` asks for it:
//!
//! ```text
//! FAULT_AT="kill@blob written:3"      SIGKILL when this point is passed for the third time
//! FAULT_AT="stop@outcome sending:1"   SIGSTOP, until somebody sends SIGCONT
//! FAULT_AT="kill@*:0.01"              SIGKILL with one chance in a hundred at each point, whatever its name
//! ```

/// Marks a point. Costs nothing outside the crash tests.
#[inline(always)]
pub fn point(name: &'static str) {
    #[cfg(all(feature = "faults", debug_assertions, unix))]
    armed::passed(name);
    #[cfg(not(all(feature = "faults", debug_assertions, unix)))]
    let _ = name;
}

#[cfg(all(feature = "faults", debug_assertions, unix))]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    struct Fault {
        signal: Signal,
        point: String,
        when: When,
        passed: AtomicU64,
    }

    enum When {
        Count(u64),
        Chance(f64),
    }

    pub(super) fn passed(name: &str) {
        static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
        let fault = FAULT.get_or_init(|| std::env::var("FAULT_AT").ok().map(|text| read(&text)));
        let Some(fault) = fault else { return };
        if fault.point != "*" && fault.point != name {
            return;
        }
        let count = fault.passed.fetch_add(1, Ordering::Relaxed) + 1;
        let now = match fault.when {
            When::Count(wanted) => count == wanted,
            When::Chance(chance) => fastrand::f64() < chance,
        };
        if now {
            kill_process(getpid(), fault.signal).expect("a process may send itself a signal");
        }
    }

    fn read(text: &str) -> Fault {
        let parts = text.split_once('@').and_then(|(action, rest)| Some((action, rest.rsplit_once(':')?)));
        let fault = parts.and_then(|(action, (point, when))| {
            let signal = match action {
                "kill" => Signal::KILL,
                "stop" => Signal::STOP,
                _ => return None,
            };
            let count = when.parse().map(When::Count);
            let when = count.or_else(|_| when.parse().map(When::Chance)).ok()?;
            Some(Fault { signal, point: point.to_owned(), when, passed: AtomicU64::new(0) })
        });
        fault.unwrap_or_else(|| {
            panic!("FAULT_AT is '{text}': write ACTION@POINT:COUNT or ACTION@POINT:CHANCE")
        })
    }
}
