//! `upnext artifacts get` and `put`: bytes between artifacts and files or pipes, with progress for whoever watches.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use tokio_util::io::ReaderStream;
use upnext_artifacts::{ArtifactData, ArtifactError, CreateArtifact, SaveError};
use upnext_backends::Deployment;
use upnext_core::{Artifact, ArtifactStatus, Labels};
use upnext_server::wire;

use super::find;
use crate::args::{ArtifactRef, PutArgs};
use crate::commands::DONE;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;

/// Pieces in which a file is read when somebody watches.
const PIECE: usize = 256 * 1024;

pub(super) async fn get(
    deployment: &Deployment,
    artifact: ArtifactRef,
    file: Option<PathBuf>,
    follow: bool,
) -> Result<u8, Failure> {
    let artifact = find(deployment, &artifact).await?;
    match file.filter(|file| file != Path::new("-")) {
        Some(file) => to_file(deployment, &artifact, &file).await?,
        None => to_stdout(deployment, &artifact, follow).await?,
    }
    if artifact.status != ArtifactStatus::Available && !follow {
        output::note(format_args!(
            "warning: '{}' is {}: this is not all of it",
            artifact.name, artifact.status
        ));
    }
    Ok(DONE)
}

async fn to_stdout(deployment: &Deployment, artifact: &Artifact, follow: bool) -> Result<(), Failure> {
    if !is_readable(&artifact.content_type) && std::io::stdout().is_terminal() {
        return Err(Failure::usage(format!(
            "'{}' is {}, which a terminal cannot show: write it to a file with --output FILE",
            artifact.name, artifact.artifact_type
        )));
    }
    let mut bytes = match follow {
        true => deployment.artifacts.follow(artifact, 0),
        false => deployment.artifacts.read(artifact, None).await?,
    };
    while let Some(part) = bytes.next().await {
        if !output::bytes(&part.map_err(broken)?)? {
            return Ok(());
        }
        if follow {
            output::flush();
        }
    }
    output::flush();
    Ok(())
}

/// True for content that a terminal shows as it is meant.
fn is_readable(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence == "application/json"
        || essence == "application/xml"
        || upnext_core::artifact::MediaType::parse(essence).is_some_and(|media| media.is_text())
}

async fn to_file(deployment: &Deployment, artifact: &Artifact, file: &Path) -> Result<(), Failure> {
    let progress = Progress::bytes(Some(artifact.size_bytes));
    let saved = deployment.artifacts.save(artifact, file, |count| progress.advance(count)).await;
    saved.map_err(|error| match error {
        SaveError::File(error) => Failure::new(error.to_string()),
        SaveError::Artifact(error) => error.into(),
    })
}

/// The bytes stopped coming.
pub(super) fn broken(error: impl Into<ArtifactError>) -> Failure {
    error.into().into()
}

pub(super) async fn put(deployment: &Deployment, args: PutArgs) -> Result<u8, Failure> {
    let from_stdin = args.file == Path::new("-");
    let own_name = || args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = match args.name {
        Some(name) => name,
        None if from_stdin => return Err(Failure::usage("content from stdin needs a --name")),
        None => own_name().ok_or_else(|| Failure::usage("the path names no file: give a --name"))?,
    };
    let data = data(&args.file, from_stdin).await?;
    let request = CreateArtifact {
        artifact_type: args.artifact_type,
        labels: Labels { description: args.description, tags: args.tag, metadata: args.metadata },
        expires_in: args.expires_in,
        key: args.key,
        ..CreateArtifact::new(args.job, name)
    };
    let artifact = deployment.artifacts.create(request, data).await?;
    if args.json {
        output::json(&wire::Artifact::from(artifact))?;
    } else {
        output::line(artifact.id);
    }
    Ok(DONE)
}

/// The bytes of a file or of stdin, with progress if somebody watches.
async fn data(file: &Path, from_stdin: bool) -> Result<ArtifactData, Failure> {
    if from_stdin {
        let progress = Progress::bytes(None);
        let pieces = ReaderStream::with_capacity(tokio::io::stdin(), PIECE);
        return Ok(ArtifactData::Stream(progress.follow(pieces)));
    }
    if !std::io::stderr().is_terminal() {
        return Ok(ArtifactData::Path(file.to_owned()));
    }
    let failed = |error: std::io::Error| Failure::new(format!("{} cannot be read: {error}", file.display()));
    let source = tokio::fs::File::open(file).await.map_err(failed)?;
    let progress = Progress::bytes(Some(source.metadata().await.map_err(failed)?.len()));
    Ok(ArtifactData::Stream(progress.follow(ReaderStream::with_capacity(source, PIECE))))
}
