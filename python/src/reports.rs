//! What a running attempt wants known (progress, checkpoints, log lines), collected and sent in batches in the order it
//! was said. An attempt that said anything ends through the same lane: its end must not overtake its last words, which
//! would be refused after it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use upnext_core::backend::{Report, ReportEntry};
use upnext_core::job::Lease;
use upnext_core::{Backend, Outcome, Settings, Timestamp};
use upnext_engine::{AttemptKey, Reporter};

/// Most reports that are sent in one step.
const BATCH: usize = 256;
/// How often a batch is offered to a backend that is unavailable.
const TRIES: u32 = 5;
/// The wait before it is offered again.
const PAUSE: Duration = Duration::from_millis(100);

/// The end of an attempt, to be told to the engine.
pub(crate) struct End {
    pub(crate) reporter: Reporter,
    pub(crate) key: AttemptKey,
    pub(crate) started_at: Timestamp,
    pub(crate) outcome: Outcome,
}

impl End {
    pub(crate) fn tell(self) {
        self.reporter.finish(self.key, self.started_at, self.outcome);
    }
}

enum Word {
    Report(Report),
    End(Box<End>),
    /// Somebody wants to know when all before this is recorded.
    Mark(oneshot::Sender<()>),
}

/// The lane of one worker. Cheap to clone; it ends with its last clone.
#[derive(Clone)]
pub(crate) struct Lane {
    words: mpsc::UnboundedSender<Word>,
}

impl Lane {
    /// Opens a lane to this backend on this runtime.
    pub(crate) fn open(runtime: &Handle, backend: Arc<dyn Backend>) -> Self {
        let (words, said) = mpsc::unbounded_channel();
        runtime.spawn(carry(said, backend));
        Self { words }
    }

    pub(crate) fn report(&self, lease: Lease, entry: ReportEntry) {
        // The lane outlives every attempt of its worker; past that nothing is recorded any more.
        let _ = self.words.send(Word::Report(Report { lease, entry }));
    }

    pub(crate) fn end(&self, end: End) {
        if let Err(mpsc::error::SendError(Word::End(end))) = self.words.send(Word::End(Box::new(end))) {
            end.tell();
        }
    }

    /// Ready when all that was said so far is recorded, or given up.
    pub(crate) fn recorded(&self) -> impl Future<Output = ()> + Send + 'static {
        let (mark, reached) = oneshot::channel();
        // A lane that is closed has nothing left to record: the mark is dropped, which answers as well.
        let _ = self.words.send(Word::Mark(mark));
        async move {
            let _ = reached.await;
        }
    }
}

async fn carry(mut said: mpsc::UnboundedReceiver<Word>, backend: Arc<dyn Backend>) {
    let mut words = Vec::with_capacity(BATCH);
    while said.recv_many(&mut words, BATCH).await > 0 {
        let mut ends = Vec::new();
        let mut reports = Vec::new();
        let mut marks = Vec::new();
        for word in words.drain(..) {
            match word {
                Word::Report(report) => reports.push(report),
                Word::End(end) => ends.push(end),
                Word::Mark(mark) => marks.push(mark),
            }
        }
        send(&*backend, reports).await;
        for end in ends {
            end.tell();
        }
        for mark in marks {
            // Who no longer waits need not know.
            let _ = mark.send(());
        }
    }
}

async fn send(backend: &dyn Backend, reports: Vec<Report>) {
    if reports.is_empty() {
        return;
    }
    for attempt in 1..=TRIES {
        match backend.report(reports.clone()).await {
            Ok(()) => return,
            Err(error) if error.retryable() && attempt < TRIES => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(%error, count = reports.len(), "progress, checkpoints or log lines are lost");
                return;
            }
        }
    }
}

/// How far an attempt is, sent no more often than the settings allow.
pub(crate) struct Progress {
    lease: Lease,
    lane: Lane,
    min_delta: f64,
    min_interval: Duration,
    state: Mutex<ProgressState>,
}

#[derive(Default)]
struct ProgressState {
    sent: Option<(f64, Instant)>,
    /// Said, but too soon after what was sent last: a timer sends it, unless something newer comes first.
    held: Option<(f64, Option<String>)>,
    timer: bool,
}

impl Progress {
    pub(crate) fn new(lease: Lease, lane: Lane, settings: &Settings) -> Self {
        Self {
            lease,
            lane,
            min_delta: settings.progress_min_delta,
            min_interval: settings.progress_min_interval,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ProgressState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(self: &Arc<Self>, runtime: &Handle, fraction: f64, message: Option<String>) {
        let mut state = self.lock();
        let now = Instant::now();
        let Some((before, at)) = state.sent else {
            return self.send(&mut state, fraction, message, now);
        };
        let small = (fraction - before).abs() < self.min_delta && message.is_none() && fraction < 1.0;
        if small {
            return;
        }
        let due = at + self.min_interval;
        if fraction >= 1.0 || now >= due {
            return self.send(&mut state, fraction, message, now);
        }
        state.held = Some((fraction, message));
        if !std::mem::replace(&mut state.timer, true) {
            let this = Arc::clone(self);
            runtime.spawn(async move {
                tokio::time::sleep_until(due.into()).await;
                this.flush();
            });
        }
    }

    /// Sends what is held back.
    pub(crate) fn flush(&self) {
        let mut state = self.lock();
        state.timer = false;
        if let Some((fraction, message)) = state.held.take() {
            self.send(&mut state, fraction, message, Instant::now());
        }
    }

    fn send(&self, state: &mut ProgressState, fraction: f64, message: Option<String>, now: Instant) {
        state.sent = Some((fraction, now));
        state.held = None;
        self.lane.report(self.lease, ReportEntry::Progress { fraction, message });
    }
}
