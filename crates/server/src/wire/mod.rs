//! What travels: the JSON shapes of the REST API, and the converters that make them from domain types.
//!
//! The domain knows none of these. A field that is here is promised to clients; the checked-in
//! `docs/reference/openapi.json` is generated from these types.

mod api;
mod artifact;
mod artifact_patch;
mod artifact_stats;
mod difference;
mod errors;
mod event;
mod function;
mod insight;
mod job;
mod lineage;
mod presigned;
mod preview;
mod status;
mod submission;
mod worker;

pub use api::{
    Api, ApiDetail, ApiEndpoint, ApiEndpointList, ApiInstance, ApiList, ApiRequest, ApiRequestPage,
    ApiTrendHour, ApiTrends, RequestFigures, RequestStatus,
};
pub use artifact::{Artifact, ArtifactDeleted, ArtifactPage, NewArtifact};
pub(crate) use artifact::{ArtifactForm, Content};
pub use artifact_patch::{ArtifactPatch, ArtifactRead};
pub use artifact_stats::{ArtifactStats, ArtifactTotals};
pub use difference::{
    ArtifactDifference, BytesDifference, Difference, Hunk, HunkLine, ImageDifference, ImageFacts,
    JsonDifference, LineChange, RetypedColumn, SameContent, TableDifference, TextDifference, ValueChange,
};
pub(crate) use errors::CommonErrors;
pub use errors::ErrorBody;
pub(crate) use event::StreamedEvent;
pub use event::{ArtifactEvent, JobEvent};
pub use function::{
    Function, FunctionDeleted, FunctionDetail, FunctionList, FunctionParameter, FunctionPaused,
};
pub use insight::{
    ApiFigures, BackendFacts, DashboardStats, FailingFunction, FunctionQueue, JobTrendHour, JobTrends,
    KeptFigures, QueueFigures, QueueMetrics, RunFigures, Setting, SettingList, StorageFacts, WorkerFigures,
};
pub use job::{
    Attempt, AttemptList, Job, JobCancelled, JobDeleted, JobPage, JobRetried, JobStats, LogLine, LogPage, Run,
};
pub use lineage::{ArtifactLineage, JobLineage};
pub use presigned::{PresignRequest, PresignedUpload};
pub use preview::{
    ArchiveEntry, ArchivePreview, ArtifactPreview, BinaryPreview, EntryKind, ImagePreview, JsonPreview,
    NoPreview, Outline, OutlineMember, Preview, PreviewColumn, PreviewedArtifact, TablePreview, TextPreview,
    Thumbnail,
};
pub use status::{AuthStatus, AuthVerified, Health, Login, Readiness, SessionState};
pub use submission::{EventJob, EventSent, JobSubmitted, NewEvent, NewJob};
pub use worker::{Worker, WorkerInstance, WorkerList};

use std::time::Duration;

/// Defines a wire enum that mirrors a domain enum word for word. The match makes a forgotten variant a compile error.
macro_rules! mirrored {
    ($(#[$doc:meta])* $name:ident of $domain:path { $($variant:ident = $word:tt,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[allow(missing_docs, reason = "each variant is the domain's variant of the same name")]
        pub enum $name {
            $(#[serde(rename = $word)] $variant,)+
        }

        impl From<$domain> for $name {
            fn from(domain: $domain) -> Self {
                use $domain as Domain;
                match domain { $(Domain::$variant => Self::$variant,)+ }
            }
        }

        impl From<$name> for $domain {
            fn from(wire: $name) -> Self {
                match wire { $($name::$variant => Self::$variant,)+ }
            }
        }
    };
}

use mirrored;

mirrored! {
    /// Where a job stands.
    JobStatus of upnext_core::JobStatus {
        Pending = "pending",
        Queued = "queued",
        Active = "active",
        Retrying = "retrying",
        Complete = "complete",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

mirrored! {
    /// What made a job.
    JobType of upnext_core::JobType {
        Task = "task",
        Cron = "cron",
        Event = "event",
    }
}

mirrored! {
    /// Why a job failed or was cancelled.
    FailureReason of upnext_core::FailureReason {
        Timeout = "timeout",
        Exception = "exception",
        Cancelled = "cancelled",
        Unknown = "unknown",
    }
}

mirrored! {
    /// Whether an artifact can be read: `writing` while a job writes it (what it has so far can be read), `incomplete` when
    /// its attempt ended before it was closed, `damaged` when its bytes are no longer what they were.
    ArtifactStatus of upnext_core::ArtifactStatus {
        Writing = "writing",
        Available = "available",
        Incomplete = "incomplete",
        Damaged = "damaged",
        Uploading = "uploading",
    }
}

fn millis(duration: Duration) -> f64 {
    // From whole microseconds, so that no digits appear that nobody measured.
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrored_words_are_the_words_of_the_domain() {
        for status in upnext_core::JobStatus::ALL {
            assert_eq!(serde_json::to_value(JobStatus::from(*status)).unwrap(), status.as_str());
        }
        for status in upnext_core::ArtifactStatus::ALL {
            assert_eq!(serde_json::to_value(ArtifactStatus::from(*status)).unwrap(), status.as_str());
        }
        for reason in upnext_core::FailureReason::ALL {
            assert_eq!(serde_json::to_value(FailureReason::from(*reason)).unwrap(), reason.as_str());
        }
        for kind in upnext_core::JobType::ALL {
            assert_eq!(serde_json::to_value(JobType::from(*kind)).unwrap(), kind.as_str());
        }
    }
}
