//! Followers of a feed over a real backend: what they hear, in which order, and how often.

use std::collections::HashMap;

use tempfile::TempDir;
use upnext_artifacts::{ArtifactData, ArtifactService, CreateArtifact};
use upnext_blobs::BlobStore;
use upnext_core::artifact::ArtifactPatch;
use upnext_core::client::Submission;
use upnext_core::{ArtifactId, Client, JobId, RawJson, Settings};
use upnext_sqlite::SqliteOptions;

use super::*;

struct Deployment {
    backend: Arc<dyn Backend>,
    client: Client,
    artifacts: ArtifactService,
    stopping: CancellationToken,
    _folder: TempDir,
}

impl Deployment {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vars = [("UPNEXT_HOME".to_owned(), folder.path().display().to_string())];
        let settings = Settings::from_vars(vars).unwrap().settings;
        let backend = upnext_sqlite::open(SqliteOptions::new(settings.database_file())).await.unwrap();
        let blobs = BlobStore::open(&settings.artifact_storage).unwrap();
        let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
        let client = Client::new(Arc::clone(&backend));
        Self { backend, client, artifacts, stopping: CancellationToken::new(), _folder: folder }
    }

    fn feed(&self, kept: usize) -> LiveFeed {
        LiveFeed::keeping(kept, Arc::clone(&self.backend), self.stopping.clone())
    }

    async fn submit(&self) -> JobId {
        self.client.submit(Submission::new("f", RawJson::parse("{}").unwrap())).await.unwrap().id
    }

    async fn artifact(&self, job: JobId, name: &str) -> ArtifactId {
        let data = ArtifactData::Text("1".into());
        self.artifacts.create(CreateArtifact::new(job, name), data).await.unwrap().id
    }

    async fn touch(&self, id: ArtifactId) {
        let patch = ArtifactPatch { description: Some("seen".into()), ..ArtifactPatch::default() };
        self.artifacts.update(id, patch).await.unwrap();
    }
}

fn artifact_of(event: &LiveEvent) -> Option<ArtifactId> {
    let json: serde_json::Value = serde_json::from_str(&event.json).unwrap();
    json["artifact_id"].as_str().map(|id| id.parse().unwrap())
}

/// Takes events until one is about this job.
async fn until_job(follower: &mut Follower, job: JobId) -> Vec<Arc<LiveEvent>> {
    let mut taken = Vec::new();
    loop {
        let event = follower.next().await;
        taken.push(Arc::clone(&event));
        if event.job_id == job && event.name == "job.queued" {
            return taken;
        }
    }
}

#[tokio::test]
async fn artifacts_are_told_as_created_updated_and_deleted() {
    let deployment = Deployment::new().await;
    let job = deployment.submit().await;
    let mut follower = deployment.feed(KEPT).follow(None).await.unwrap();
    let id = deployment.artifact(job, "a.json").await;
    let created = follower.next().await;
    assert_eq!((created.name, artifact_of(&created), created.job_id), ("artifact.created", Some(id), job));
    deployment.touch(id).await;
    let updated = follower.next().await;
    assert!(updated.name == "artifact.updated" && updated.json.contains("\"description\":\"seen\""));
    deployment.artifacts.delete(id).await.unwrap();
    let deleted = follower.next().await;
    assert!(deleted.name == "artifact.deleted" && deleted.json.contains("\"artifact\":null"));
    assert!(created.place < updated.place && updated.place < deleted.place);
    assert_eq!(follower.settled(), Some(deleted.place));
}

#[tokio::test]
async fn the_reader_rests_when_nobody_follows() {
    let deployment = Deployment::new().await;
    let feed = deployment.feed(KEPT);
    assert!(!feed.shared.lock().runs);
    let follower = feed.follow(None).await.unwrap();
    assert!(feed.shared.lock().runs);
    drop(follower);
    while feed.shared.lock().runs {
        tokio::task::yield_now().await;
    }
    let mut again = feed.follow(None).await.unwrap();
    let job = deployment.submit().await;
    assert_eq!(again.next().await.job_id, job);
}

#[tokio::test]
async fn what_changed_before_its_page_came_is_still_told_as_created() {
    let deployment = Deployment::new().await;
    let job = deployment.submit().await;
    let feed = deployment.feed(KEPT);
    let start = feed.follow(None).await.unwrap().settled().unwrap();
    let early = deployment.artifact(job, "early.json").await;
    for _ in 0..400 {
        deployment.submit().await;
    }
    // It is made on the first page of changes, and its last change is on the second.
    deployment.touch(early).await;
    let last = deployment.submit().await;
    let mut resumed = feed.follow(Some(start)).await.unwrap();
    let events = until_job(&mut resumed, last).await;
    let names: Vec<&str> =
        events.iter().filter(|event| artifact_of(event) == Some(early)).map(|event| event.name).collect();
    assert_eq!(names, ["artifact.created", "artifact.updated"]);
    assert_eq!(events.len(), 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_resuming_followers_miss_nothing_and_hear_nothing_twice() {
    let deployment = Arc::new(Deployment::new().await);
    let job = deployment.submit().await;
    // So few are kept that whoever takes its time falls behind.
    let feed = deployment.feed(2);
    let mut quick = feed.follow(None).await.unwrap();
    let mut slow = feed.follow(None).await.unwrap();
    let start = slow.settled().unwrap();
    let writer = tokio::spawn({
        let deployment = Arc::clone(&deployment);
        async move {
            let mut made = Vec::new();
            for n in 0..300 {
                made.push(deployment.artifact(job, &format!("{n}.json")).await);
                if n % 3 == 0 {
                    deployment.touch(made[n / 2]).await;
                }
            }
            (made, deployment.submit().await)
        }
    });
    // The slow one hears nothing until everything is written; the others come and go while it is.
    let mut heard = Vec::new();
    while !writer.is_finished() {
        heard.push(quick.next().await);
        if heard.len() % 50 == 0 {
            let place = heard.last().map(|event| event.place);
            quick = feed.follow(place).await.unwrap();
        }
    }
    let (made, last) = writer.await.unwrap();
    heard.extend(until_job(&mut quick, last).await);
    let resumed = until_job(&mut feed.follow(Some(start)).await.unwrap(), last).await;
    for events in [heard, until_job(&mut slow, last).await, resumed] {
        let mut told: HashMap<ArtifactId, Vec<&str>> = HashMap::new();
        let mut places = std::collections::HashSet::new();
        for event in &events {
            assert!(places.insert(event.id.clone()), "{} was told twice", event.id);
            if let Some(id) = artifact_of(event) {
                told.entry(id).or_default().push(event.name);
            }
        }
        assert_eq!(told.len(), made.len(), "some artifacts were never told");
        for (id, names) in told {
            assert_eq!(names[0], "artifact.created", "{id}");
            assert!(names[1..].iter().all(|name| *name == "artifact.updated"), "{id}: {names:?}");
        }
    }
    deployment.stopping.cancel();
}
