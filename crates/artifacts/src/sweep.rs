//! Removes bytes that no artifact needs: those of deleted artifacts, those that a crash left without a record, and
//! temporary files.
//!
//! # Why there is never a record without its bytes
//!
//! An artifact is made in the order *bytes durable, then record*; bytes are removed in the order *condemn, remove,
//! forget*. From condemning to forgetting the backend refuses every record that needs the bytes, and whoever is refused
//! stores them again. One order of events is left: bytes are stored before they are condemned, and recorded after they
//! are forgotten. Storing therefore renews the age of a blob even if it is there already, and a sweep leaves young blobs
//! alone ([`SweepOptions::keep_younger_than`]); on disk, looking at the age and removing are one step. In a bucket they
//! are two requests, so a sweep waits between the last removal and forgetting
//! ([`BlobStore::settle_time`](upnext_blobs::BlobStore::settle_time)), and whoever takes longer than that from storing
//! to recording looks again.
//!
//! A sweep that dies half-way leaves condemned blobs; the next one is told of them again.
//!
//! After a deployment moved to another storage, artifacts of before are read from there although their records name the one
//! they were made in. To the backend such blobs are orphans; the sweep looks at the record and leaves them alone.

use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use upnext_blobs::Removal;
use upnext_core::artifact::{Digest, INLINE_STORAGE};
use upnext_core::backend::CondemnedBlob;

use crate::error::ArtifactError;
use crate::service::ArtifactService;

/// Blobs that are condemned, removed and forgotten together.
const BATCH: usize = 500;

/// Removals under way at a time.
const AT_ONCE: usize = 8;

/// What a sweep leaves alone.
#[derive(Debug, Clone, Copy)]
pub struct SweepOptions {
    /// Blobs without any record are looked for among those that are at least this old.
    pub orphans_older_than: Duration,
    /// Blobs that were stored (again) within this time stay, also when no artifact needs them now: somebody may be
    /// about to record one. They count as blobs without a record from then on. Not below three minutes outside tests.
    pub keep_younger_than: Duration,
    /// Temporary files are swept at this age.
    pub temporary_older_than: Duration,
}

impl Default for SweepOptions {
    /// A day, ten minutes, a day.
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self {
            orphans_older_than: day,
            keep_younger_than: Duration::from_secs(600),
            temporary_older_than: day,
        }
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Blobs whose bytes are gone now.
    pub removed: usize,
    /// Blobs that nothing needs but that are too young.
    pub kept: usize,
    /// Blobs that nothing needs, in a storage that is not the one of this deployment. Their bytes stay there.
    pub elsewhere: usize,
    /// Temporary files removed.
    pub temporary: usize,
}

/// What became of one condemned blob.
enum Fate {
    Removed(Digest),
    Kept(Digest),
    Elsewhere(Digest),
    Failed(ArtifactError),
}

impl ArtifactService {
    /// Removes bytes that no artifact needs any more. Harmless at any time and from several processes at once.
    ///
    /// # Errors
    /// When the backend or the storage fails; what was not done is done by the next sweep.
    pub async fn sweep(&self) -> Result<SweepReport, ArtifactError> {
        self.sweep_with(SweepOptions::default()).await
    }

    /// As [`sweep`](Self::sweep), with other ages.
    ///
    /// # Errors
    /// When the backend or the storage fails; what was not done is done by the next sweep.
    pub async fn sweep_with(&self, options: SweepOptions) -> Result<SweepReport, ArtifactError> {
        let mut report = SweepReport::default();
        loop {
            let condemned = self.backend.condemn_blobs(Vec::new(), BATCH).await?;
            let last = condemned.len() < BATCH;
            self.clear(condemned, options, &mut report).await?;
            if last {
                break;
            }
        }
        let mut old = self.blobs.list_older_than(options.orphans_older_than).try_chunks(BATCH);
        while let Some(found) = old.next().await {
            let found = found.map_err(|error| error.1)?;
            let storage = self.blobs.storage();
            let orphans =
                found.into_iter().map(|sha256| CondemnedBlob { sha256, storage: storage.to_owned() });
            let condemned = self.backend.condemn_blobs(orphans.collect(), 2 * BATCH).await?;
            self.clear(condemned, options, &mut report).await?;
        }
        report.temporary = self.blobs.sweep_temporary(options.temporary_older_than).await?;
        if report != SweepReport::default() {
            tracing::info!(
                removed = report.removed,
                kept = report.kept,
                elsewhere = report.elsewhere,
                temporary = report.temporary,
                "swept artifact bytes that nothing needs"
            );
        }
        Ok(report)
    }

    /// Removes the bytes of condemned blobs, then has the backend forget them.
    async fn clear(
        &self,
        condemned: Vec<CondemnedBlob>,
        options: SweepOptions,
        report: &mut SweepReport,
    ) -> Result<(), ArtifactError> {
        let fates: Vec<Fate> = stream::iter(condemned)
            .map(|blob| self.remove(blob, options.keep_younger_than))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut done = Vec::with_capacity(fates.len());
        let (mut removed, mut failure) = (0, None);
        for fate in fates {
            let (sha256, count) = match fate {
                Fate::Removed(sha256) => (sha256, &mut removed),
                Fate::Kept(sha256) => (sha256, &mut report.kept),
                Fate::Elsewhere(sha256) => (sha256, &mut report.elsewhere),
                // It stays condemned: the next sweep is told of it again.
                Fate::Failed(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            *count += 1;
            done.push(sha256);
        }
        report.removed += removed;
        if removed > 0 && !self.blobs.settle_time().is_zero() {
            tokio::time::sleep(self.blobs.settle_time()).await;
        }
        if !done.is_empty() {
            self.backend.forget_blobs(done).await?;
        }
        failure.map_or(Ok(()), Err)
    }

    async fn remove(&self, blob: CondemnedBlob, keep_younger_than: Duration) -> Fate {
        if blob.storage != self.blobs.storage() {
            return Fate::Elsewhere(blob.sha256);
        }
        match self.is_needed_from_before(&blob).await {
            Ok(false) => {}
            Ok(true) => return Fate::Kept(blob.sha256),
            Err(error) => return Fate::Failed(error),
        }
        match self
            .blobs
            .delete_if_older_than(blob.sha256, keep_younger_than)
            .await
            .map_err(ArtifactError::from)
        {
            Ok(Removal::Gone) => Fate::Removed(blob.sha256),
            Ok(Removal::Kept) => Fate::Kept(blob.sha256),
            Err(error) => Fate::Failed(error),
        }
    }

    /// True when artifacts need these bytes, and their record names a storage that was in use before.
    async fn is_needed_from_before(&self, blob: &CondemnedBlob) -> Result<bool, ArtifactError> {
        let known = self.backend.list_blobs(just_before(blob.sha256), 1).await?;
        Ok(known.first().is_some_and(|known| {
            known.sha256 == blob.sha256 && known.storage != blob.storage && known.storage != INLINE_STORAGE
        }))
    }
}

/// The digest after which this one comes next; `None` before the first.
fn just_before(sha256: Digest) -> Option<Digest> {
    let mut bytes = *sha256.as_bytes();
    for byte in bytes.iter_mut().rev() {
        let (less, borrowed) = byte.overflowing_sub(1);
        *byte = less;
        if !borrowed {
            return Some(Digest::from_bytes(bytes));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_counted_down() {
        let digest = |first: u8, last: u8| {
            let mut bytes = [0; 32];
            (bytes[0], bytes[31]) = (first, last);
            Digest::from_bytes(bytes)
        };
        assert_eq!(just_before(digest(7, 2)), Some(digest(7, 1)));
        let mut below = [255; 32];
        below[0] = 6;
        assert_eq!(just_before(digest(7, 0)), Some(Digest::from_bytes(below)));
        assert_eq!(just_before(digest(0, 0)), None);
    }
}
