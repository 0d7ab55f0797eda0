//! One event, ready to be sent to any number of listeners.

use serde::Serialize;
use upnext_core::backend::{ArtifactChange, ArtifactChangeKind};
use upnext_core::{Artifact, Clock as _, Job, JobId, SystemClock, Timestamp};

use crate::wire::{ArtifactEvent, JobEvent};

/// Something that happened to a job or an artifact.
#[derive(Debug)]
pub(crate) struct LiveEvent {
    /// Its place in the order of changes: whoever has seen it has seen everything up to there.
    pub(crate) place: i64,
    /// A name that no other event of any deployment has.
    pub(crate) id: String,
    /// `artifact.created` and the like.
    pub(crate) name: &'static str,
    /// The job, or the artifact's job.
    pub(crate) job_id: JobId,
    /// The whole event in JSON, as streams send it.
    pub(crate) json: String,
}

impl LiveEvent {
    pub(super) fn of_job(place: i64, job: Job) -> Option<Self> {
        let job_id = job.id;
        let event = JobEvent::from(job);
        Self::new(place, format!("{job_id}-{place}"), event.event_type, job_id, &event)
    }

    pub(super) fn of_artifact(change: &ArtifactChange, artifact: Artifact) -> Option<Self> {
        let (name, at) = if change.kind == ArtifactChangeKind::Created {
            ("artifact.created", artifact.created_at)
        } else {
            ("artifact.updated", SystemClock.now())
        };
        Self::of_change(change, name, at, Some(artifact.into()))
    }

    pub(super) fn of_deletion(change: &ArtifactChange) -> Option<Self> {
        let at = change.deleted_at.unwrap_or_else(|| SystemClock.now());
        Self::of_change(change, "artifact.deleted", at, None)
    }

    fn of_change(
        change: &ArtifactChange,
        name: &'static str,
        at: Timestamp,
        artifact: Option<crate::wire::Artifact>,
    ) -> Option<Self> {
        let (job_id, artifact_id) = (change.job_id.to_string(), change.id.to_string());
        let event = ArtifactEvent { event_type: name, at, job_id, artifact_id, artifact };
        let id = format!("{}-{}", change.id, change.sequence);
        Self::new(change.sequence, id, name, change.job_id, &event)
    }

    fn new(
        place: i64,
        id: String,
        name: &'static str,
        job_id: JobId,
        event: &impl Serialize,
    ) -> Option<Self> {
        let json = serde_json::to_string(event);
        let json = json.inspect_err(|error| tracing::error!(%error, name, "an event makes no JSON")).ok()?;
        Some(Self { place, id, name, job_id, json })
    }
}
