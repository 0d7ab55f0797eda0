//! What the killed workers run: jobs that make artifacts whose content follows from job and attempt, and note in the
//! ledger what was acknowledged to them.

use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use upnext::{ArtifactType, current_context};

use crate::home::Ledger;

static LEDGER: OnceLock<Ledger> = OnceLock::new();

pub(crate) fn keep_ledger(home: &Path) {
    let _ = LEDGER.set(Ledger::open(home));
}

fn note(line: &str) {
    LEDGER.get().expect("a worker opened its ledger").note(line);
}

/// What a job says of the attempt that completed it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) attempt: u32,
    pub(crate) pid: u32,
    /// Name and digest of each artifact.
    pub(crate) artifacts: Vec<(String, String)>,
}

/// The names of the artifacts that the job with this number makes.
pub(crate) const fn names(number: u64) -> [&'static str; 2] {
    // Blobs of their own cost two syncs each: every fourth job has one.
    if number.is_multiple_of(4) { ["small.json", "large.bin"] } else { ["small.json", "note.txt"] }
}

/// The content of an artifact. That of every large one in ten is the same, so that workers store equal bytes at once.
pub(crate) fn content(number: u64, attempt: u32, name: &str) -> Vec<u8> {
    match name {
        "small.json" => format!(r#"{{"job": {number}, "attempt": {attempt}}}"#).into_bytes(),
        "note.txt" => format!("job {number}, attempt {attempt}\n").repeat(20).into_bytes(),
        _ => {
            let seed = if number.is_multiple_of(40) { 0 } else { number * 1000 + u64::from(attempt) };
            let mut bytes = vec![0; 33_000 + usize::try_from(seed % 50_000).unwrap()];
            fastrand::Rng::with_seed(seed).fill(&mut bytes);
            bytes
        }
    }
}

#[upnext::task]
pub(crate) async fn make(number: u64) -> Result<Made, upnext::ArtifactError> {
    let context = current_context();
    let (job, attempt, pid) = (context.job_id(), context.attempt(), std::process::id());
    note(&format!("start {job} {attempt}"));
    let mut artifacts = Vec::new();
    for name in names(number) {
        let artifact_type = match name {
            "small.json" => ArtifactType::Json,
            "note.txt" => ArtifactType::Text,
            _ => ArtifactType::Binary,
        };
        let artifact = upnext::create_artifact(name, content(number, attempt, name), artifact_type).await?;
        let digest = artifact.sha256.expect("it is whole").to_string();
        note(&format!("artifact {} {digest}", artifact.id));
        artifacts.push((name.to_owned(), digest));
    }
    Ok(Made { attempt, pid, artifacts })
}
