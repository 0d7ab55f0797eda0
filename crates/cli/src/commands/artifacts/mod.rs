//! `upnext artifacts`: what is said about artifacts; their bytes go through [`transfer`].

mod care;
mod diff;
mod transfer;

use upnext_backends::Deployment;
use upnext_core::artifact::ArtifactPatch;
use upnext_core::backend::{ArtifactQuery, JobQuery};
use upnext_core::{Artifact, Job};
use upnext_server::wire;

use super::DONE;
use super::jobs::{artifact_table, remark_on_rest};
use crate::args::{ArtifactListArgs, ArtifactRef, ArtifactsCommand};
use crate::failure::Failure;
use crate::output;
use crate::table::{moment, size};

/// Most readers and inputs that `show` lists.
const RELATED: usize = 100;

pub(super) async fn dispatch(deployment: Deployment, command: ArtifactsCommand) -> Result<u8, Failure> {
    match command {
        ArtifactsCommand::List(args) => list(&deployment, *args).await,
        ArtifactsCommand::Show { artifact, json } => show(&deployment, artifact, json).await,
        ArtifactsCommand::Get { artifact, output, follow } => {
            transfer::get(&deployment, artifact, output, follow).await
        }
        ArtifactsCommand::Put(args) => transfer::put(&deployment, *args).await,
        ArtifactsCommand::Rm { artifacts } => remove(&deployment, artifacts).await,
        ArtifactsCommand::Pin { artifacts } => pin(&deployment, artifacts, true).await,
        ArtifactsCommand::Unpin { artifacts } => pin(&deployment, artifacts, false).await,
        ArtifactsCommand::Diff { old, new, json } => diff::diff(&deployment, old, new, json).await,
        ArtifactsCommand::Verify { json } => care::verify(&deployment, json).await,
        ArtifactsCommand::Gc { jobs_older_than, json } => care::gc(&deployment, jobs_older_than, json).await,
    }
}

async fn list(deployment: &Deployment, args: ArtifactListArgs) -> Result<u8, Failure> {
    let query = ArtifactQuery {
        job_id: args.job,
        root_id: args.root,
        read_by: args.read_by,
        function: args.function,
        artifact_type: args.artifact_type,
        name: None,
        name_contains: args.name,
        name_glob: args.glob,
        tags: args.tag,
        min_size: args.min_size,
        max_size: args.max_size,
        after: args.after,
        before: args.before,
        search: args.search,
        all_versions: args.all_versions,
        sort: args.sort,
        limit: args.limit.into(),
        cursor: args.cursor,
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

/// The artifact that was named, or why there is none.
async fn find(deployment: &Deployment, artifact: &ArtifactRef) -> Result<Artifact, Failure> {
    let found = match artifact {
        ArtifactRef::Id(id) => deployment.artifacts.find(*id).await?,
        ArtifactRef::Named(job, name) => {
            let (job_id, name) = (Some(*job), Some(name.clone()));
            let query = ArtifactQuery { job_id, name, limit: 1, ..ArtifactQuery::default() };
            deployment.artifacts.list(query).await?.items.pop()
        }
    };
    found.ok_or_else(|| match artifact {
        ArtifactRef::Id(id) => Failure::new(format!("there is no artifact {id}")),
        ArtifactRef::Named(job, name) => Failure::new(format!("job {job} has no artifact '{name}'")),
    })
}

/// An artifact with the jobs around it.
#[derive(serde::Serialize)]
struct Lineage {
    #[serde(flatten)]
    artifact: wire::Artifact,
    /// What the job that made it had read.
    inputs: Vec<wire::Artifact>,
    read_by: Vec<wire::Job>,
}

async fn show(deployment: &Deployment, artifact: ArtifactRef, json: bool) -> Result<u8, Failure> {
    let artifact = find(deployment, &artifact).await?;
    let readers = JobQuery { reads: Some(artifact.id), limit: RELATED, ..JobQuery::default() };
    let readers = deployment.client.backend().list_jobs(readers).await?.items;
    let inputs = ArtifactQuery {
        read_by: Some(artifact.job_id),
        all_versions: true,
        limit: RELATED,
        ..ArtifactQuery::default()
    };
    let inputs = deployment.artifacts.list(inputs).await?.items;
    if json {
        let inputs = inputs.into_iter().map(Into::into).collect();
        let read_by = readers.into_iter().map(Into::into).collect();
        output::json(&Lineage { artifact: artifact.into(), inputs, read_by })?;
        return Ok(DONE);
    }
    for (word, value) in facts(&artifact) {
        output::line(format_args!("{word:<12}  {value}"));
    }
    relatives("made from", inputs.iter().map(|input| format!("{}  {}", input.id, input.name)));
    relatives("read by", readers.iter().map(|job: &Job| format!("{}  {}", job.id, job.function)));
    Ok(DONE)
}

fn facts(artifact: &Artifact) -> Vec<(&'static str, String)> {
    let version = match (artifact.version, artifact.latest) {
        (version, true) => format!("{version}, the latest"),
        (version, false) => format!("{version}; there is a newer one"),
    };
    let labels = &artifact.labels;
    let mut facts = vec![
        ("artifact", artifact.id.to_string()),
        ("name", artifact.name.clone()),
        ("type", artifact.artifact_type.to_string()),
        ("content type", artifact.content_type.clone()),
        ("status", artifact.status.to_string()),
        ("size", format!("{} ({} bytes)", size(artifact.size_bytes), artifact.size_bytes)),
        ("version", version),
        ("job", format!("{}  {}", artifact.job_id, artifact.function)),
        ("created", moment(artifact.created_at)),
        ("storage", artifact.storage.clone()),
    ];
    facts.extend(artifact.sha256.map(|sha256| ("sha256", sha256.to_string())));
    facts.extend(labels.description.clone().map(|text| ("description", text)));
    facts.extend((!labels.tags.is_empty()).then(|| ("tags", labels.tags.join(", "))));
    facts.extend(labels.metadata.as_ref().map(|metadata| ("metadata", metadata.as_str().to_owned())));
    facts.extend(artifact.expires_at.map(|at| ("expires", moment(at))));
    facts.extend(artifact.pinned.then(|| ("pinned", "yes".to_owned())));
    facts
}

fn relatives(word: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        output::line(format_args!("{:<12}  {line}", if index == 0 { word } else { "" }));
    }
}

async fn remove(deployment: &Deployment, artifacts: Vec<ArtifactRef>) -> Result<u8, Failure> {
    for artifact in artifacts {
        let id = find(deployment, &artifact).await?.id;
        deployment.artifacts.delete(id).await?;
        output::line(format_args!("artifact {id} is removed"));
    }
    Ok(DONE)
}

async fn pin(deployment: &Deployment, artifacts: Vec<ArtifactRef>, pinned: bool) -> Result<u8, Failure> {
    for artifact in artifacts {
        let id = find(deployment, &artifact).await?.id;
        let patch = ArtifactPatch { pinned: Some(pinned), ..ArtifactPatch::default() };
        deployment.artifacts.update(id, patch).await?;
        output::line(format_args!(
            "artifact {id} is {}",
            if pinned { "pinned" } else { "not pinned any more" }
        ));
    }
    Ok(DONE)
}
