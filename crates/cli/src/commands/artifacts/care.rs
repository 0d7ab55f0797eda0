//! `upnext artifacts verify` and `gc`.

use std::time::Duration;

use upnext_backends::Deployment;

use crate::commands::DONE;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::table::size;

/// Exit code when something was found.
const FOUND: u8 = 1;

/// What a verification found, as it is printed.
#[derive(serde::Serialize)]
struct Verified {
    whole: u64,
    bytes: u64,
    damaged: Vec<String>,
    missing: Vec<String>,
}

pub(super) async fn verify(deployment: &Deployment, json: bool) -> Result<u8, Failure> {
    let progress = Progress::items(deployment.artifacts.totals().await?.blobs);
    let count = |found: usize| u64::try_from(found).unwrap_or(u64::MAX);
    let verified = deployment
        .artifacts
        .verify(|report| progress.reach(report.whole + count(report.damaged.len() + report.missing.len())))
        .await?;
    drop(progress);
    let (damaged, missing) = (verified.damaged, verified.missing);
    let whole = damaged.is_empty() && missing.is_empty();
    if json {
        output::json(&Verified {
            whole: verified.whole,
            bytes: verified.bytes,
            damaged: damaged.iter().map(ToString::to_string).collect(),
            missing: missing.iter().map(ToString::to_string).collect(),
        })?;
    } else {
        output::line(format_args!("{} contents, {}: whole", verified.whole, size(verified.bytes)));
        damaged.iter().for_each(|sha256| output::line(format_args!("damaged  {sha256}")));
        missing.iter().for_each(|sha256| output::line(format_args!("missing  {sha256}")));
    }
    Ok(if whole { DONE } else { FOUND })
}

/// What was removed, as it is printed.
#[derive(serde::Serialize)]
struct Collected {
    expired_artifacts: usize,
    expired_jobs: usize,
    removed_blobs: usize,
    kept_blobs: usize,
    removed_temporary_files: usize,
    stored_bytes_before: u64,
    stored_bytes_after: u64,
}

pub(super) async fn gc(
    deployment: &Deployment,
    jobs_older_than: Option<f64>,
    json: bool,
) -> Result<u8, Failure> {
    let retention = jobs_older_than.map(|hours| {
        Duration::try_from_secs_f64(hours * 3600.0)
            .map_err(|_| Failure::usage(format!("--jobs-older-than is {hours}: it must be 0 hours or more")))
    });
    let before = deployment.artifacts.totals().await?.stored_bytes;
    let expired = deployment.artifacts.expire(retention.transpose()?).await?;
    let swept = deployment.artifacts.sweep().await?;
    let after = deployment.artifacts.totals().await?.stored_bytes;
    let collected = Collected {
        expired_artifacts: expired.artifacts,
        expired_jobs: expired.jobs,
        removed_blobs: swept.removed,
        kept_blobs: swept.kept,
        removed_temporary_files: swept.temporary,
        stored_bytes_before: before,
        stored_bytes_after: after,
    };
    if json {
        output::json(&collected)?;
        return Ok(DONE);
    }
    output::line(format_args!("{} artifacts and {} jobs had expired", expired.artifacts, expired.jobs));
    output::line(format_args!(
        "{} stored contents and {} temporary files are removed, {} are too young to go yet",
        swept.removed, swept.temporary, swept.kept
    ));
    output::line(format_args!("{} are stored", size(after)));
    Ok(DONE)
}
