//! Artifacts: small ones into the embedded backend, large ones into files.

use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use futures::future::try_join_all;
use upnext_artifacts::{ArtifactData, ArtifactService, CreateArtifact};
use upnext_blobs::{BlobStore, Limits};
use upnext_core::{ArtifactType, Client, JobId, LeaseToken, Settings};

use crate::queue::{TOGETHER, backend, claim_some, submit};
use crate::{counting_begins, counting_ends};

/// A service, and the lease of a running job.
struct Working {
    _folder: tempfile::TempDir,
    service: ArtifactService,
    job: JobId,
    token: LeaseToken,
}

impl Working {
    async fn new() -> anyhow::Result<Self> {
        let (folder, backend) = backend().await?;
        let home = folder.path().display().to_string();
        let settings = Settings::from_vars([("UPNEXT_HOME".to_owned(), home)])?.settings;
        let service = ArtifactService::new(
            Arc::clone(&backend),
            BlobStore::open(&settings.artifact_storage)?,
            &settings,
        );
        submit(&Client::new(Arc::clone(&backend)), TOGETHER).await?;
        let lease = claim_some(&*backend).await?[0].lease;
        Ok(Self { _folder: folder, service, job: lease.job_id, token: lease.token })
    }

    async fn create(&self, number: usize) -> anyhow::Result<()> {
        let request = CreateArtifact {
            lease: Some(self.token),
            artifact_type: Some(ArtifactType::Json),
            ..CreateArtifact::new(self.job, format!("artifact-{number}.json"))
        };
        let text = format!("{{\"number\": {number}, \"text\": \"{}\"}}", "x".repeat(170));
        self.service.create(request, ArtifactData::Text(text)).await?;
        Ok(())
    }
}

pub(crate) async fn small_artifact(times: u32) -> anyhow::Result<()> {
    let working = Working::new().await?;
    working.create(0).await?;
    counting_begins(times);
    for number in 1..=times as usize {
        working.create(number).await?;
    }
    counting_ends(times);
    Ok(())
}

pub(crate) async fn small_artifacts_together(times: u32) -> anyhow::Result<()> {
    let working = Working::new().await?;
    working.create(0).await?;
    counting_begins(times);
    for begun in 0..times as usize {
        let first = 1 + begun * TOGETHER;
        try_join_all((first..first + TOGETHER).map(|number| working.create(number))).await?;
    }
    counting_ends(times);
    Ok(())
}

pub(crate) async fn one_mebibyte(times: u32) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let home = folder.path().display().to_string();
    let settings = Settings::from_vars([("UPNEXT_HOME".to_owned(), home)])?.settings;
    let blobs = BlobStore::open(&settings.artifact_storage)?;
    // Different bytes each time: the same ones are stored once.
    let content = |number: u32| {
        let mut bytes = vec![7; 1024 * 1024];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Bytes::from(bytes)
    };
    let contents: Vec<Bytes> = (0..=times).map(content).collect();
    let store = async |bytes: Bytes| -> anyhow::Result<()> {
        let staged = blobs.stage_reader(bytes.reader(), Limits::up_to(1 << 30)).await?;
        blobs.commit(staged).await?;
        Ok(())
    };
    store(contents[0].clone()).await?;
    counting_begins(times);
    for bytes in &contents[1..] {
        store(bytes.clone()).await?;
    }
    counting_ends(times);
    Ok(())
}
