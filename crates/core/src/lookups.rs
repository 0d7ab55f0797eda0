//! Jobs that are looked up one by one, read together: what is asked for while a read is under way goes into the next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::backend::Backend;
use crate::error::BackendError;
use crate::id::JobId;
use crate::job::Job;

/// Most jobs in one read. Each may carry a payload of megabytes.
const MOST_AT_ONCE: usize = 64;

type Found = Result<Option<Job>, BackendError>;

/// The look-ups of one client.
#[derive(Debug)]
pub(crate) struct Lookups {
    backend: Arc<dyn Backend>,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    jobs: Vec<(JobId, oneshot::Sender<Found>)>,
    /// Whether a task reads until nothing is asked for.
    reading: bool,
}

impl Lookups {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, asked: Mutex::default() }
    }

    /// The job as it is now, or later.
    pub(crate) async fn find(self: &Arc<Self>, id: JobId) -> Found {
        let (sender, receiver) = oneshot::channel();
        let starts = {
            let mut asked = self.lock();
            asked.jobs.push((id, sender));
            !std::mem::replace(&mut asked.reading, true)
        };
        if starts {
            tokio::spawn(Reading { lookups: Arc::clone(self), done: false }.read_all());
        }
        receiver
            .await
            .unwrap_or_else(|_| Err(BackendError::Unavailable("the runtime is shutting down".into())))
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        // The data is a plain list: a panic elsewhere cannot leave it half-changed.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next jobs to read; without any, nobody reads any more.
    fn next(&self) -> Vec<(JobId, oneshot::Sender<Found>)> {
        let mut asked = self.lock();
        let count = asked.jobs.len().min(MOST_AT_ONCE);
        asked.reading = count > 0;
        asked.jobs.drain(..count).collect()
    }
}

/// The task that reads. If it is dropped before it has come to its end, whoever waits is told so.
struct Reading {
    lookups: Arc<Lookups>,
    done: bool,
}

impl Reading {
    async fn read_all(mut self) {
        loop {
            let asked = self.lookups.next();
            if asked.is_empty() {
                self.done = true;
                return;
            }
            match self.lookups.backend.find_jobs(asked.iter().map(|(id, _)| *id).collect()).await {
                Ok(jobs) => {
                    let jobs: HashMap<JobId, Job> = jobs.into_iter().map(|job| (job.id, job)).collect();
                    for (id, sender) in asked {
                        // Whoever gave up needs no answer.
                        let _ = sender.send(Ok(jobs.get(&id).cloned()));
                    }
                }
                Err(error) => asked.into_iter().for_each(|(_, sender)| drop(sender.send(Err(error.clone())))),
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.done {
            *self.lookups.lock() = Asked::default();
        }
    }
}
