//! What `upnext.testing` needs of the engine: a deployment that vanishes with its last user, and a clock moved by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use tempfile::TempDir;
use upnext_backends::Deployment;
use upnext_core::backend::{ClaimRequest, JobQuery};
use upnext_core::settings::Durability;
use upnext_core::{
    Backend, BackendError, Clock, JobStatus, JobType, ManualClock, Settings, Timestamp, WorkerId,
};

use crate::client::Connection;
use crate::error::Failure;
use crate::mailbox::Mailbox;
use crate::runtime;

/// Leases are kept by a clock that a test may move by years.
const LEASE: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How long `settle` sleeps when nothing wakes it.
const POLL: Duration = Duration::from_millis(20);

/// The clock of one deployment for tests.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct TestClock {
    clock: Arc<ManualClock>,
    backend: Arc<dyn Backend>,
    _folder: TempDir,
}

/// Opens an empty deployment in memory (or, where there is no folder in memory, in a temporary one). `now` is where its
/// clock stands, in microseconds since 1970. Blocks.
#[pyfunction]
pub(crate) fn open_for_tests(py: Python<'_>, now: i64) -> PyResult<(Connection, TestClock)> {
    let (deployment, clock) = runtime::wait(py, async move {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { TempDir::with_prefix_in("upnext-", memory) } else { TempDir::new() };
        let folder = folder.map_err(Failure::File)?;
        let vars = [("HOME".to_owned(), folder.path().display().to_string())];
        let home = ("UPNEXT_HOME".to_owned(), folder.path().display().to_string());
        let mut settings = Settings::from_vars(vars.into_iter().chain([home]))?.settings;
        settings.durability = Durability::Relaxed;
        settings.queue_claim_timeout = LEASE;
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(now)));
        let deployment =
            upnext_backends::open_with_clock(settings, Arc::clone(&clock) as Arc<dyn Clock>).await?;
        let backend = Arc::clone(deployment.client.backend());
        Ok::<(Deployment, TestClock), Failure>((deployment, TestClock { clock, backend, _folder: folder }))
    })?;
    Ok((Connection { deployment }, clock))
}

#[pymethods]
impl TestClock {
    /// The moment it shows, in microseconds since 1970.
    fn now(&self) -> i64 {
        self.clock.now().as_micros()
    }

    /// Puts it to a moment, and wakes whoever sleeps until one.
    fn set(&self, micros: i64) {
        self.clock.set(Timestamp::from_micros(micros));
        self.backend.signals().clock_moved();
    }

    /// `future` is done when no job is due or running and no schedule is due.
    fn settle(&self, py: Python<'_>, mailbox: &Mailbox, future: Py<PyAny>) -> PyResult<()> {
        let backend = Arc::clone(&self.backend);
        let clock = Arc::clone(&self.clock);
        let work = async move {
            let mut finished = backend.signals().subscribe_finished();
            while !is_settled(backend.as_ref(), clock.now()).await? {
                tokio::select! {
                    _ = finished.recv() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
            Ok(())
        };
        mailbox.answer(py, future, work).map(|_| ())
    }
}

async fn is_settled(backend: &dyn Backend, now: Timestamp) -> Result<bool, BackendError> {
    // A claim moves what has become due into the queue; this one takes nothing.
    let nobody = WorkerId::fresh("settle");
    backend
        .claim(ClaimRequest {
            worker: nobody,
            functions: Arc::from([]),
            limit: 1,
            lease: LEASE,
            suspect: false,
        })
        .await?;
    let cron = backend.list_definitions(Some(JobType::Cron)).await?;
    let keys: Arc<[String]> = cron.into_iter().map(|definition| definition.key).collect();
    let schedules = backend.list_schedules(keys).await?;
    let due = |entry: &upnext_core::backend::ScheduleEntry| {
        !entry.paused && entry.next_run_at.is_some_and(|next| next <= now)
    };
    if schedules.entries.iter().any(due) {
        return Ok(false);
    }
    let statuses = vec![JobStatus::Queued, JobStatus::Active];
    let open = backend.list_jobs(JobQuery { statuses, limit: 1, ..JobQuery::default() }).await?;
    Ok(open.items.is_empty())
}
