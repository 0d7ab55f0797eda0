//! Everybody in this process who waits for a job, served by one task that reads each finished job once.
//!
//! Jobs that this process finishes are named by a signal; those of other processes are found in the change sequence,
//! when a wake-up says that there is something new and, as a safety net, once a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, oneshot};
use tokio::time::MissedTickBehavior;

use crate::backend::{Backend, Feed};
use crate::error::{BackendError, WaitError};
use crate::id::JobId;
use crate::job::Job;
use crate::lookups::Lookups;
use crate::signal::FinishedJobs;

/// How often waiters look by themselves although nothing woke them.
const SAFETY_POLL: Duration = Duration::from_secs(1);

/// How many changes are read at once while catching up with other processes: at first few, which is all that there is on a
/// calm system, and which backends may answer faster.
const FIRST_PAGE: usize = 16;
const CHANGES_PAGE: usize = 1000;

/// As many jobs are looked at themselves when something changed elsewhere, which is one read instead of two.
const FEW: usize = 4;

type Answer = oneshot::Sender<Arc<Job>>;

/// The end of a job, when it comes.
#[derive(Debug)]
pub(crate) struct Expected(oneshot::Receiver<Arc<Job>>);

impl Expected {
    pub(crate) async fn end(self) -> Result<Job, BackendError> {
        let gone = |_| BackendError::Unavailable("the runtime is shutting down".into());
        Ok(Arc::unwrap_or_clone(self.0.await.map_err(gone)?))
    }
}

/// The waiters of one client.
#[derive(Debug)]
pub(crate) struct Waiters {
    backend: Arc<dyn Backend>,
    lookups: Arc<Lookups>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    by_job: HashMap<JobId, Vec<Answer>>,
    watching: bool,
}

impl Waiters {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { lookups: Arc::new(Lookups::new(Arc::clone(&backend))), backend, waiting: Mutex::default() }
    }

    /// Waits until the job has a final status.
    pub(crate) async fn wait(self: &Arc<Self>, id: JobId) -> Result<Job, WaitError> {
        // First register, then look: a job that ends in between is seen by one of the two.
        let answer = self.register(id);
        match self.lookups.find(id).await? {
            None => {
                self.lock().by_job.remove(&id);
                return Err(WaitError::UnknownJob(id));
            }
            Some(job) if job.status.is_final() => return Ok(job),
            Some(_) => {}
        }
        Ok(answer.end().await?)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // The data is a plain map: a panic elsewhere cannot leave it half-changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that somebody waits for a job. Its end from now on is told: whoever registers before the job is submitted need not look
    /// whether it has ended already.
    pub(crate) fn register(self: &Arc<Self>, id: JobId) -> Expected {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        waiting.by_job.entry(id).or_default().push(sender);
        if !waiting.watching {
            waiting.watching = true;
            let finished = self.backend.signals().subscribe_finished();
            tokio::spawn(watch(Arc::downgrade(self), Arc::clone(&self.backend), finished));
        }
        Expected(receiver)
    }

    /// Of these jobs, those that somebody waits for.
    fn awaited(&self, ids: impl Iterator<Item = JobId>) -> Vec<JobId> {
        let waiting = self.lock();
        ids.filter(|id| waiting.by_job.contains_key(id)).collect()
    }

    /// Drops waiters that gave up. False, and no longer watching, when nobody is left.
    fn keep_watching(&self) -> bool {
        let mut waiting = self.lock();
        waiting.by_job.retain(|_, answers| {
            answers.retain(|answer| !answer.is_closed());
            !answers.is_empty()
        });
        waiting.watching = !waiting.by_job.is_empty();
        waiting.watching
    }

    /// Reads these jobs and answers whoever waits for those that have ended.
    async fn answer(&self, ids: Vec<JobId>) -> Result<(), BackendError> {
        if ids.is_empty() {
            return Ok(());
        }
        for job in self.backend.find_jobs(ids).await?.into_iter().filter(|job| job.status.is_final()) {
            let answers = self.lock().by_job.remove(&job.id).unwrap_or_default();
            let job = Arc::new(job);
            for answer in answers {
                // Whoever gave up needs no answer.
                let _ = answer.send(Arc::clone(&job));
            }
        }
        Ok(())
    }

    async fn answer_all(&self) -> Result<(), BackendError> {
        let all: Vec<JobId> = self.lock().by_job.keys().copied().collect();
        for page in all.chunks(CHANGES_PAGE) {
            self.answer(page.to_vec()).await?;
        }
        Ok(())
    }

    /// Answers whoever waits for a job that changed after `cursor`, which moves on only as far as that succeeded.
    async fn catch_up(&self, cursor: &mut Option<i64>) -> Result<(), BackendError> {
        if self.lock().by_job.len() <= FEW {
            *cursor = None;
            return self.answer_all().await;
        }
        if cursor.is_none() {
            // The place first, then everything up to it: what ends in between is seen twice rather than not at all.
            let here = self.backend.changes_since(None, 0, Feed::Jobs).await?.cursor;
            self.answer_all().await?;
            *cursor = Some(here);
        }
        let mut page = FIRST_PAGE;
        loop {
            let changes = self.backend.changes_since(*cursor, page, Feed::Jobs).await?;
            let is_last = changes.jobs.len() < page;
            page = CHANGES_PAGE;
            let ended = changes.jobs.iter().filter(|change| change.status.is_final()).map(|change| change.id);
            self.answer(self.awaited(ended)).await?;
            *cursor = Some(changes.cursor);
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Serves the waiters until none is left. A backend that fails is asked again at the next wake-up or poll.
async fn watch(
    waiters: Weak<Waiters>,
    backend: Arc<dyn Backend>,
    mut finished: broadcast::Receiver<FinishedJobs>,
) {
    let mut elsewhere = backend.signals().subscribe_elsewhere();
    let mut safety_poll = tokio::time::interval(SAFETY_POLL);
    safety_poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cursor = None;
    loop {
        // The first tick comes at once and finds the place in the change sequence to go on from.
        let (event, is_poll) = tokio::select! {
            event = finished.recv() => (Some(event), false),
            _ = elsewhere.changed() => (None, false),
            _ = safety_poll.tick() => (None, true),
        };
        let Some(waiters) = waiters.upgrade() else { return };
        let answered = match event {
            Some(Ok(ids)) => waiters.answer(waiters.awaited(ids.iter().copied())).await,
            Some(Err(RecvError::Lagged(_))) => waiters.answer_all().await,
            Some(Err(RecvError::Closed)) => return,
            None => waiters.catch_up(&mut cursor).await,
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "cannot look for jobs that ended; looking again soon");
        }
        if is_poll && !waiters.keep_watching() {
            return;
        }
    }
}
