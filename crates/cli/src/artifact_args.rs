//! What can be typed after `upnext artifacts`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};
use upnext_core::backend::{ArtifactSort, Cursor};
use upnext_core::{ArtifactId, ArtifactType, JobId, RawJson, Timestamp};

#[derive(Debug, Subcommand)]
pub(crate) enum ArtifactsCommand {
    /// List artifacts, newest first
    List(Box<ArtifactListArgs>),
    /// Show what is known about an artifact, and who made and read it
    Show {
        /// The artifact: its id, or JOB_ID/NAME
        artifact: ArtifactRef,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write an artifact's content to a file or to stdout
    Get {
        /// The artifact: its id, or JOB_ID/NAME
        artifact: ArtifactRef,
        /// File to write; without it, or as `-`, stdout
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Of an artifact that is being written: go on until it is closed
        #[arg(short, long, conflicts_with = "output")]
        follow: bool,
    },
    /// Add an artifact to a job, from a file or from stdin
    Put(Box<PutArgs>),
    /// Remove artifacts
    Rm {
        /// The artifacts: their ids, or JOB_ID/NAME
        #[arg(required = true)]
        artifacts: Vec<ArtifactRef>,
    },
    /// Keep artifacts whatever the rules of retention say
    Pin {
        /// The artifacts: their ids, or JOB_ID/NAME
        #[arg(required = true)]
        artifacts: Vec<ArtifactRef>,
    },
    /// Let the rules of retention apply to artifacts again
    Unpin {
        /// The artifacts: their ids, or JOB_ID/NAME
        #[arg(required = true)]
        artifacts: Vec<ArtifactRef>,
    },
    /// Say what differs between two artifacts; exit code 1 if anything does
    Diff {
        /// The old one: its id, or JOB_ID/NAME
        old: ArtifactRef,
        /// The new one: its id, or JOB_ID/NAME
        new: ArtifactRef,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read all stored bytes and check their digests; exit code 1 if any are damaged or gone
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove what has expired, and bytes that no artifact needs
    Gc {
        /// Also jobs that ended so many hours ago, with their artifacts
        #[arg(long, value_name = "HOURS")]
        jobs_older_than: Option<f64>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// How an artifact is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArtifactRef {
    /// By its id.
    Id(ArtifactId),
    /// The newest of a name in a job.
    Named(JobId, String),
}

impl FromStr for ArtifactRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            None => {
                text.parse().map(Self::Id).map_err(|error: upnext_core::id::ParseIdError| error.to_string())
            }
            Some((job, name)) => {
                let job = job.parse().map_err(|error: upnext_core::id::ParseIdError| error.to_string())?;
                Ok(Self::Named(job, name.to_owned()))
            }
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ArtifactListArgs {
    /// Only artifacts of this job
    #[arg(long, value_name = "ID")]
    pub(crate) job: Option<JobId>,
    /// Only artifacts of the tree of jobs under this one
    #[arg(long, value_name = "ID")]
    pub(crate) root: Option<JobId>,
    /// Only artifacts that this job has read
    #[arg(long, value_name = "ID")]
    pub(crate) read_by: Option<JobId>,
    /// Only artifacts of jobs of this function (its key)
    #[arg(long)]
    pub(crate) function: Option<String>,
    /// Only artifacts of this type, for example json, image/png or text/markdown
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) artifact_type: Option<ArtifactType>,
    /// Only names that contain this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Only names of this shape, for example 'plots/*.png'
    #[arg(long, value_name = "PATTERN")]
    pub(crate) glob: Option<String>,
    /// Only artifacts with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Only artifacts with these words in name, description, tags or metadata
    #[arg(long, value_name = "WORDS")]
    pub(crate) search: Option<String>,
    /// Only artifacts of at least so many bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) min_size: Option<u64>,
    /// Only artifacts of at most so many bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_size: Option<u64>,
    /// Only artifacts made at or after this moment, for example 2026-01-31T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    pub(crate) after: Option<Timestamp>,
    /// Only artifacts made before this moment
    #[arg(long, value_name = "MOMENT")]
    pub(crate) before: Option<Timestamp>,
    /// Older versions of the same name too
    #[arg(long)]
    pub(crate) all_versions: bool,
    /// -created_at, created_at, -size, size, name or -name
    #[arg(long, value_name = "ORDER", default_value = "-created_at", allow_hyphen_values = true)]
    pub(crate) sort: ArtifactSort,
    /// Most artifacts to list
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Go on where a page ended: the next_cursor of its JSON
    #[arg(long)]
    pub(crate) cursor: Option<Cursor>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// The job it belongs to
    pub(crate) job: JobId,
    /// File to read, or `-` for stdin
    pub(crate) file: PathBuf,
    /// The artifact's name; without it the file's
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The artifact's type, one of the twelve or any media type; without it by the name's extension, then by the content
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) artifact_type: Option<ArtifactType>,
    /// A sentence about it
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// A word it can be found by; may be repeated
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Facts about it: one JSON object
    #[arg(long, value_name = "JSON", value_parser = json)]
    pub(crate) metadata: Option<RawJson>,
    /// Remove it after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) expires_in: Option<Duration>,
    /// Put it once only, however often this is called with the same key
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Print the artifact as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn json(text: &str) -> Result<RawJson, String> {
    RawJson::parse(text).map_err(|error| format!("it is not JSON: {error}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "it must be a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_named_by_id_or_by_job_and_name() {
        let (id, job) = (ArtifactId::fresh(), JobId::fresh());
        assert_eq!(id.to_string().parse(), Ok(ArtifactRef::Id(id)));
        let named = ArtifactRef::Named(job, "plots/loss.png".to_owned());
        assert_eq!(format!("{job}/plots/loss.png").parse(), Ok(named));
        for bad in ["", "report.json", "job/report.json"] {
            assert!(bad.parse::<ArtifactRef>().unwrap_err().contains("expected a UUID"), "{bad}");
        }
    }
}
