//! Reading the changes page by page, and what they are about.

use std::collections::HashMap;
use std::sync::Arc;

use upnext_core::backend::{ArtifactChange, ArtifactChangeKind, Changes, Feed, JobChange};
use upnext_core::{Artifact, ArtifactId, Backend, BackendError, Job, JobId};

use super::LiveEvent;

/// Changes read at once.
const PAGE: usize = 256;

/// What happened after one place.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) events: Vec<Arc<LiveEvent>>,
    /// Where the next page begins.
    pub(super) place: i64,
    /// There may be more to read.
    pub(super) more: bool,
}

impl Page {
    /// The page that begins after `place`; nothing on it is later than `bound`.
    pub(super) async fn read(backend: &dyn Backend, place: i64, bound: i64) -> Result<Self, BackendError> {
        let mut changes = backend.changes_since(Some(place), PAGE, Feed::Everything).await?;
        let full = changes.jobs.len() + changes.artifacts.len() >= PAGE;
        changes.jobs.retain(|change| change.sequence <= bound);
        changes.artifacts.retain(|change| change.sequence <= bound);
        let mut found = Found::look_up(backend, &changes).await?;
        let mut ordered: Vec<Change<'_>> = changes.jobs.iter().map(Change::Job).collect();
        ordered.extend(changes.artifacts.iter().map(Change::Artifact));
        ordered.sort_unstable_by_key(Change::sequence);
        let events = ordered.into_iter().filter_map(|change| found.event(change)).map(Arc::new).collect();
        let more = full && changes.cursor < bound;
        Ok(Self { events, place: changes.cursor.min(bound), more })
    }
}

#[derive(Clone, Copy)]
enum Change<'a> {
    Job(&'a JobChange),
    Artifact(&'a ArtifactChange),
}

impl Change<'_> {
    fn sequence(&self) -> i64 {
        match self {
            Self::Job(change) => change.sequence,
            Self::Artifact(change) => change.sequence,
        }
    }
}

/// What the changes are about, as it is now.
struct Found {
    jobs: HashMap<JobId, Job>,
    artifacts: HashMap<ArtifactId, Artifact>,
}

impl Found {
    async fn look_up(backend: &dyn Backend, changes: &Changes) -> Result<Self, BackendError> {
        let jobs: Vec<JobId> = changes.jobs.iter().map(|change| change.id).collect();
        let there = changes.artifacts.iter().filter(|change| change.kind != ArtifactChangeKind::Deleted);
        let artifacts: Vec<ArtifactId> = there.map(|change| change.id).collect();
        let jobs = if jobs.is_empty() { Vec::new() } else { backend.find_jobs(jobs).await? };
        let artifacts =
            if artifacts.is_empty() { Vec::new() } else { backend.find_artifacts(artifacts).await? };
        Ok(Self {
            jobs: jobs.into_iter().map(|job| (job.id, job)).collect(),
            artifacts: artifacts.into_iter().map(|artifact| (artifact.id, artifact)).collect(),
        })
    }

    fn event(&mut self, change: Change<'_>) -> Option<LiveEvent> {
        match change {
            // With another status it has changed again, and that is told in its place.
            Change::Job(change) => {
                let job = self.jobs.remove(&change.id).filter(|job| job.status == change.status)?;
                LiveEvent::of_job(change.sequence, job)
            }
            Change::Artifact(change) if change.kind == ArtifactChangeKind::Deleted => {
                LiveEvent::of_deletion(change)
            }
            // One that was deleted meanwhile is told so in its place.
            Change::Artifact(change) => LiveEvent::of_artifact(change, self.artifacts.remove(&change.id)?),
        }
    }
}
