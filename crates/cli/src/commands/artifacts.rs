//! `upnext artifacts`: list, get, put, rm.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;
use upnext_artifacts::{ArtifactData, CreateArtifact};
use upnext_backends::Deployment;
use upnext_core::backend::ArtifactQuery;
use upnext_core::{Artifact, ArtifactId, ArtifactType};
use upnext_server::wire;

use super::DONE;
use super::jobs::{artifact_table, remark_on_rest};
use crate::args::{ArtifactListArgs, ArtifactsCommand, PutArgs};
use crate::failure::Failure;
use crate::output;

pub(super) async fn dispatch(deployment: Deployment, command: ArtifactsCommand) -> Result<u8, Failure> {
    match command {
        ArtifactsCommand::List(args) => list(&deployment, args).await,
        ArtifactsCommand::Get { id, output } => get(&deployment, id, output).await,
        ArtifactsCommand::Put(args) => put(&deployment, args).await,
        ArtifactsCommand::Rm { ids } => remove(&deployment, ids).await,
    }
}

async fn list(deployment: &Deployment, args: ArtifactListArgs) -> Result<u8, Failure> {
    let query = ArtifactQuery {
        job_id: args.job,
        function: args.function,
        artifact_type: args.artifact_type,
        name_contains: args.name,
        all_versions: args.all_versions,
        limit: args.limit.into(),
        ..ArtifactQuery::default()
    };
    let page = deployment.artifacts.list(query).await?;
    if args.json {
        output::json(&wire::ArtifactPage::from(page))?;
        return Ok(DONE);
    }
    let (shown, total) = (page.items.len(), page.total);
    if shown > 0 {
        output::line(artifact_table(page.items).render());
    }
    remark_on_rest(shown, total, "artifacts");
    Ok(DONE)
}

async fn get(deployment: &Deployment, id: ArtifactId, file: Option<PathBuf>) -> Result<u8, Failure> {
    let artifact = deployment.artifacts.find(id).await?.ok_or_else(|| no_artifact(id))?;
    match file.filter(|file| file != Path::new("-")) {
        Some(file) => to_file(deployment, &artifact, &file).await?,
        None => to_stdout(deployment, &artifact).await?,
    }
    Ok(DONE)
}

async fn to_stdout(deployment: &Deployment, artifact: &Artifact) -> Result<(), Failure> {
    let readable = matches!(
        artifact.artifact_type,
        ArtifactType::Json | ArtifactType::Text | ArtifactType::Csv | ArtifactType::Xml | ArtifactType::Html
    );
    if !readable && std::io::stdout().is_terminal() {
        return Err(Failure::usage(format!(
            "'{}' is {}, which a terminal cannot show: write it to a file with --output FILE",
            artifact.name, artifact.artifact_type
        )));
    }
    let mut bytes = deployment.artifacts.read(artifact, None).await?;
    while let Some(part) = bytes.next().await {
        if !output::bytes(&part.map_err(broken)?)? {
            return Ok(());
        }
    }
    output::flush();
    Ok(())
}

/// Writes beside the file and renames, so that an interrupted download never passes for a whole one.
async fn to_file(deployment: &Deployment, artifact: &Artifact, file: &Path) -> Result<(), Failure> {
    let mut partial = file.as_os_str().to_owned();
    partial.push(format!(".{}.part", std::process::id()));
    let partial = PathBuf::from(partial);
    let written = write_partial(deployment, artifact, &partial).await;
    let result = match written {
        Ok(()) => tokio::fs::rename(&partial, file).await.map_err(|error| cannot_write(file, &error)),
        Err(failure) => Err(failure),
    };
    if result.is_err() {
        let _ = tokio::fs::remove_file(&partial).await;
    }
    result
}

async fn write_partial(deployment: &Deployment, artifact: &Artifact, partial: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| cannot_write(partial, &error);
    let mut bytes = deployment.artifacts.read(artifact, None).await?;
    let mut file = tokio::fs::File::create(partial).await.map_err(failed)?;
    while let Some(part) = bytes.next().await {
        file.write_all(&part.map_err(broken)?).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)
}

/// The bytes stopped coming.
fn broken(error: impl Into<upnext_artifacts::ArtifactError>) -> Failure {
    error.into().into()
}

fn cannot_write(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}", file.display()))
}

async fn put(deployment: &Deployment, args: PutArgs) -> Result<u8, Failure> {
    let from_stdin = args.file == Path::new("-");
    let own_name = || args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = match args.name {
        Some(name) => name,
        None if from_stdin => return Err(Failure::usage("content from stdin needs a --name")),
        None => own_name().ok_or_else(|| Failure::usage("the path names no file: give a --name"))?,
    };
    let data = if from_stdin {
        ArtifactData::Stream(ReaderStream::new(tokio::io::stdin()).boxed())
    } else {
        ArtifactData::Path(args.file)
    };
    let request = CreateArtifact { artifact_type: args.artifact_type, ..CreateArtifact::new(args.job, name) };
    let artifact = deployment.artifacts.create(request, data).await?;
    if args.json {
        output::json(&wire::Artifact::from(artifact))?;
    } else {
        output::line(artifact.id);
    }
    Ok(DONE)
}

async fn remove(deployment: &Deployment, ids: Vec<ArtifactId>) -> Result<u8, Failure> {
    for id in ids {
        if !deployment.artifacts.delete(id).await? {
            return Err(no_artifact(id));
        }
        output::line(format_args!("artifact {id} is removed"));
    }
    Ok(DONE)
}

fn no_artifact(id: ArtifactId) -> Failure {
    Failure::new(format!("there is no artifact {id}"))
}
