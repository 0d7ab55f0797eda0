//! Lines that a job logs through `tracing`, on their way to the job's log: in batches, and bounded in number.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use upnext_core::backend::{LogEntry, Report, ReportEntry};
use upnext_core::job::Lease;
use upnext_core::{Client, Clock, SystemClock};

/// Of one attempt the first lines are kept, and the last, where the error stands.
const FIRST_LINES: usize = 9_000;
const LAST_LINES: usize = 1_000;

/// Between two batches of a job that logs all the time.
const BETWEEN_BATCHES: Duration = Duration::from_millis(100);

/// The recorded lines of one attempt. Nothing runs for an attempt that logs nothing.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    lines: Arc<Lines>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Lines {
    kept: Mutex<Kept>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    first: Vec<LogEntry>,
    seen: usize,
    last: VecDeque<LogEntry>,
    ended: bool,
}

impl Recording {
    /// Takes a line. Never waits; a line that comes after the attempt's end is dropped.
    pub(crate) fn push(&self, entry: LogEntry, client: &Client, lease: Lease) {
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.lines.push(entry) {
            return;
        }
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if keeper.is_none() {
            *keeper = Some(runtime.spawn(keep(Arc::clone(&self.lines), client.clone(), lease)));
        }
    }

    /// Waits until all lines are with the backend.
    pub(crate) async fn end(&self) {
        self.lines.lock().ended = true;
        self.lines.changed.notify_one();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            // It says itself what goes wrong.
            let _ = keeper.await;
        }
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, entry: LogEntry) -> bool {
        let mut kept = self.lock();
        if kept.ended {
            return false;
        }
        kept.seen += 1;
        if kept.seen <= FIRST_LINES {
            kept.first.push(entry);
        } else {
            kept.last.push_back(entry);
            if kept.last.len() > LAST_LINES {
                kept.last.pop_front();
            }
        }
        drop(kept);
        self.changed.notify_one();
        true
    }

    /// What there is to report, and whether it is the rest.
    fn take(&self) -> (Vec<LogEntry>, bool) {
        let mut kept = self.lock();
        let mut batch = std::mem::take(&mut kept.first);
        if kept.ended {
            let left_out = kept.seen.saturating_sub(FIRST_LINES + kept.last.len());
            if left_out > 0 {
                batch.push(LogEntry {
                    at: SystemClock.now(),
                    level: "warning".to_owned(),
                    message: format!("{left_out} lines were left out here"),
                    extra: None,
                });
            }
            batch.extend(kept.last.drain(..));
        }
        (batch, kept.ended)
    }

    async fn ended(&self) {
        while !self.lock().ended {
            self.changed.notified().await;
        }
    }
}

async fn keep(lines: Arc<Lines>, client: Client, lease: Lease) {
    loop {
        let (batch, ended) = lines.take();
        let empty = batch.is_empty();
        let reports = batch.into_iter().map(|entry| Report { lease, entry: ReportEntry::Log(entry) });
        if !empty && let Err(error) = client.backend().report(reports.collect()).await {
            tracing::warn!(%error, job_id = %lease.job_id, "lines of a job's log could not be kept");
        }
        if ended {
            return;
        }
        if empty {
            lines.changed.notified().await;
        } else {
            let _ = tokio::time::timeout(BETWEEN_BATCHES, lines.ended()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> LogEntry {
        let message = number.to_string();
        LogEntry { at: SystemClock.now(), level: "info".to_owned(), message, extra: None }
    }

    #[test]
    fn the_first_and_the_last_lines_are_kept_and_the_gap_is_told() {
        let lines = Lines::default();
        for number in 1..=FIRST_LINES + LAST_LINES + 5 {
            assert!(lines.push(line(number)), "line {number} comes before the end");
        }
        assert_eq!(lines.take().0.len(), FIRST_LINES);
        lines.lock().ended = true;
        let (rest, ended) = lines.take();
        assert!(ended && rest.len() == LAST_LINES + 1, "{} lines", rest.len());
        assert_eq!(rest[0].message, "5 lines were left out here");
        assert_eq!(rest[1].message, (FIRST_LINES + 6).to_string());
        assert!(!lines.push(line(0)), "nothing comes after the end");
    }
}
