//! `artifact_totals` and the totals of lists: after whatever was done, what is counted is what there is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fastrand::Rng;
use upnext_core::artifact::ArtifactPatch;
use upnext_core::backend::{ArtifactQuery, ArtifactTotals, JobDeleted};
use upnext_core::{ArtifactId, ArtifactType, Backend, ClaimedJob, JobId, NewArtifact};

use crate::factories::{live_artifact, new_artifact, new_job, ok, part, seal, tagged, upload};
use crate::{Fixture, Harness, Steps};

const FUNCTIONS: [&str; 2] = ["f", "g"];
const NAMES: [&str; 3] = ["a.txt", "b.txt", "図.csv"];
const TAGS: [&str; 3] = ["x", "y", "z"];
const TYPES: [ArtifactType; 2] = [ArtifactType::Text, ArtifactType::Csv];
const STEPS_EACH: usize = 150;

/// Nothing is nothing.
pub async fn an_empty_backend_counts_nothing(harness: &dyn Harness) {
    let fixture = harness.open().await;
    assert_eq!(fixture.backend.totals().await, ArtifactTotals::default());
    fixture.backend.submit(new_job("f")).await;
    assert_eq!(fixture.backend.totals().await, ArtifactTotals::default(), "jobs are counted");
}

/// Shared contents are counted once in what is stored, and each time in what it would be without sharing.
pub async fn sharing_shows_in_the_totals(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    for name in ["a", "b", "a"] {
        fixture.backend.record_ok(new_artifact(id, name, b"12345")).await;
    }
    fixture.backend.record_ok(new_artifact(id, "c", b"123")).await;
    fixture.backend = harness.reopen(&fixture).await;
    let wanted = ArtifactTotals { artifacts: 3, versions: 4, logical_bytes: 18, blobs: 2, stored_bytes: 8 };
    assert_eq!(fixture.backend.totals().await, wanted);
}

/// Whatever is done in whatever order through two handles, totals, lists and kept bytes are those of a simple model.
/// `TESTKIT_WALK_SEED` replays one walk.
pub async fn totals_equal_a_recount_after_every_step(harness: &dyn Harness) {
    let given = std::env::var("TESTKIT_WALK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = given.map_or_else(|| (1..=5).collect(), |seed| vec![seed]);
    for seed in seeds {
        let fixture = harness.open().await;
        let handles = [fixture.backend.clone(), harness.reopen(&fixture).await];
        let mut walk = Walk {
            fixture,
            handles,
            random: Rng::with_seed(seed),
            seed,
            jobs: Vec::new(),
            artifacts: Vec::new(),
        };
        for _ in 0..3 {
            walk.begin_job().await;
        }
        for _ in 0..STEPS_EACH {
            walk.step().await;
            walk.compare().await;
        }
    }
}

/// What the model knows of one artifact.
struct Known {
    id: ArtifactId,
    job: JobId,
    function: &'static str,
    name: &'static str,
    kind: ArtifactType,
    tags: Vec<String>,
    /// `None`: an upload that is not whole.
    version: Option<u32>,
    /// Its bytes, in the pieces that are kept.
    pieces: Vec<Vec<u8>>,
    lease: Option<upnext_core::job::Lease>,
    whole: bool,
}

impl Known {
    fn bytes(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

struct Walk {
    fixture: Fixture,
    handles: [Arc<dyn Backend>; 2],
    random: Rng,
    seed: u64,
    jobs: Vec<(ClaimedJob, &'static str)>,
    artifacts: Vec<Known>,
}

impl Walk {
    fn handle(&mut self) -> Arc<dyn Backend> {
        self.handles[self.random.usize(0..2)].clone()
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.random.usize(0..from.len())].clone()
    }

    fn any(&mut self, wanted: impl Fn(&Known) -> bool) -> Option<usize> {
        let places: Vec<usize> = (0..self.artifacts.len()).filter(|n| wanted(&self.artifacts[*n])).collect();
        (!places.is_empty()).then(|| self.pick(&places))
    }

    async fn begin_job(&mut self) {
        let function = self.pick(&FUNCTIONS);
        self.handle().submit(new_job(function)).await;
        let claimed = self.handle().take_one(function).await;
        self.jobs.push((claimed, function));
    }

    async fn step(&mut self) {
        match self.random.u32(0..20) {
            0..6 => self.record(0).await,
            6..8 => self.record(1).await,
            8..10 => self.record(2).await,
            10..13 => self.append().await,
            13..15 => self.seal().await,
            15..17 => self.remove().await,
            17 => self.relabel().await,
            18 => self.expire().await,
            _ => self.end_job().await,
        }
    }

    fn next_version(&self, job: JobId, name: &str) -> u32 {
        let versions = self.artifacts.iter().filter(|known| known.job == job && known.name == name);
        versions.filter_map(|known| known.version).max().unwrap_or(0) + 1
    }

    /// Records an artifact that is whole (0), live (1) or an upload (2).
    async fn record(&mut self, content: u32) {
        let place = self.random.usize(0..self.jobs.len());
        let (job, function) = (self.jobs[place].0.lease.job_id, self.jobs[place].1);
        let (name, kind) = (self.pick(&NAMES), self.pick(&TYPES));
        let bytes = vec![b'x'; self.random.usize(0..6)];
        let lease = (content == 1).then_some(self.jobs[place].0.lease);
        let new = match lease {
            _ if content == 2 => upload(job, name),
            Some(lease) => live_artifact(lease, name),
            None => new_artifact(job, name, &bytes),
        };
        let tags = tagged(&[self.pick(&TAGS), self.pick(&TAGS)]).checked().expect("the tags are good").tags;
        let labels = upnext_core::Labels { tags: tags.clone(), ..Default::default() };
        let content_type = kind.content_type().to_owned();
        let new = NewArtifact { labels, artifact_type: kind.clone(), content_type, ..new };
        let version = (content != 2).then(|| self.next_version(job, name));
        let artifact = self.handle().record_ok(new).await;
        assert_eq!(
            artifact.version,
            version.unwrap_or(0),
            "wrong version of a new artifact, seed {}",
            self.seed
        );
        let (pieces, whole) = if content == 0 { (vec![bytes], true) } else { (Vec::new(), false) };
        let known = Known { id: artifact.id, job, function, name, kind, tags, version, pieces, lease, whole };
        self.artifacts.push(known);
    }

    async fn append(&mut self) {
        let Some(place) = self.any(|known| !known.whole) else { return };
        let bytes = vec![b'x'; self.random.usize(1..4)];
        let known = &self.artifacts[place];
        let new = part(known.id, known.lease, known.bytes().len() as u64, &bytes);
        let size = self.handle().append_ok(new).await;
        self.artifacts[place].pieces.push(bytes);
        assert_eq!(size, self.artifacts[place].bytes().len() as u64, "wrong length, seed {}", self.seed);
    }

    async fn seal(&mut self) {
        let Some(place) = self.any(|known| !known.whole) else { return };
        let known = &self.artifacts[place];
        let version = known.version.unwrap_or_else(|| self.next_version(known.job, known.name));
        let bytes = known.bytes();
        let seal = seal(known.id, known.lease, &bytes);
        let sealed = self.handle().close_ok(seal).await;
        assert_eq!(sealed.version, version, "wrong version of a sealed artifact, seed {}", self.seed);
        let known = &mut self.artifacts[place];
        known.version = Some(version);
        known.pieces = vec![bytes];
        known.whole = true;
        known.kind = ArtifactType::Text;
    }

    async fn remove(&mut self) {
        let Some(place) = self.any(|_| true) else { return };
        let gone = self.artifacts.swap_remove(place);
        self.handle().remove(gone.id).await;
    }

    async fn relabel(&mut self) {
        let Some(place) = self.any(|known| known.version.is_some()) else { return };
        let tags = vec![self.pick(&TAGS).to_owned()];
        let patch = ArtifactPatch { tags: Some(tags.clone()), ..ArtifactPatch::default() };
        self.handle().patch(self.artifacts[place].id, patch).await;
        self.artifacts[place].tags = tags;
    }

    async fn expire(&mut self) {
        let Some(place) = self.any(|known| known.version.is_some()) else { return };
        let gone = self.artifacts.swap_remove(place);
        let patch = ArtifactPatch { expires_at: Some(Some(self.fixture.now())), ..ArtifactPatch::default() };
        self.handle().patch(gone.id, patch).await;
        let request = upnext_core::backend::ExpireRequest { jobs_ended_before: None, limit: 10 };
        let expired = self.handle().expire(request).await.expect("expire should not fail");
        assert_eq!((expired.artifacts, expired.jobs), (1, 0), "wrong answer to expire, seed {}", self.seed);
    }

    /// Ends a job, removes it with all it has, and begins another.
    async fn end_job(&mut self) {
        let place = self.random.usize(0..self.jobs.len());
        let (claimed, _) = self.jobs.swap_remove(place);
        let job = claimed.lease.job_id;
        self.handle().end_applied(&claimed, ok()).await;
        let deleted = self.handle().delete_job(job).await.expect("delete_job should not fail");
        assert_eq!(deleted, JobDeleted::Gone, "an ended job was not deleted, seed {}", self.seed);
        self.artifacts.retain(|known| known.job != job);
        self.begin_job().await;
    }

    fn is_latest(&self, known: &Known) -> bool {
        known.version.is_some_and(|version| version + 1 == self.next_version(known.job, known.name))
    }

    async fn compare(&mut self) {
        let backend = self.handle();
        let contents: BTreeMap<Vec<u8>, ()> = self
            .artifacts
            .iter()
            .flat_map(|known| known.pieces.iter().map(|piece| (piece.clone(), ())))
            .collect();
        let seen = || self.artifacts.iter().filter(|known| known.version.is_some());
        let wanted = ArtifactTotals {
            artifacts: seen().filter(|known| self.is_latest(known)).count() as u64,
            versions: seen().count() as u64,
            logical_bytes: seen().map(|known| known.bytes().len() as u64).sum(),
            blobs: contents.len() as u64,
            stored_bytes: contents.keys().map(|content| content.len() as u64).sum(),
        };
        assert_eq!(backend.totals().await, wanted, "the totals are not what there is, seed {}", self.seed);
        for size in 0..6_usize {
            let bytes = vec![b'x'; size];
            let there = contents.contains_key(&bytes);
            assert_eq!(backend.kept(&bytes).await, there, "kept bytes of length {size}, seed {}", self.seed);
        }
        for all_versions in [true, false] {
            self.compare_lists(&*backend, all_versions).await;
        }
    }

    async fn compare_lists(&self, backend: &dyn Backend, all_versions: bool) {
        let query = || ArtifactQuery { all_versions, limit: 1000, ..ArtifactQuery::default() };
        type Chosen<'a> = Box<dyn Fn(&Known) -> bool + 'a>;
        let mut questions: Vec<(ArtifactQuery, Chosen<'_>)> = vec![(query(), Box::new(|_| true))];
        for function in FUNCTIONS {
            let of_function = ArtifactQuery { function: Some(function.to_owned()), ..query() };
            questions.push((of_function.clone(), Box::new(move |known| known.function == function)));
            let both = ArtifactQuery { artifact_type: Some(ArtifactType::Csv), ..of_function };
            let chosen = move |known: &Known| known.function == function && known.kind == ArtifactType::Csv;
            questions.push((both, Box::new(chosen)));
        }
        for tag in TAGS {
            let tagged = ArtifactQuery { tags: vec![tag.to_owned()], ..query() };
            questions.push((tagged, Box::new(move |known| known.tags.iter().any(|own| own == tag))));
        }
        let text = ArtifactQuery { name_contains: Some(".TXT".to_owned()), ..query() };
        questions.push((text, Box::new(|known| known.name.ends_with(".txt"))));
        for (query, chosen) in questions {
            let page = backend.page(query.clone()).await;
            let listed: HashMap<ArtifactId, (u32, bool, u64)> =
                page.items.iter().map(|a| (a.id, (a.version, a.latest, a.size_bytes))).collect();
            let wanted: HashMap<ArtifactId, (u32, bool, u64)> = self
                .artifacts
                .iter()
                .filter(|known| chosen(known) && (all_versions || self.is_latest(known)))
                .filter_map(|known| Some((known, known.version?)))
                .map(|(known, version)| {
                    (known.id, (version, self.is_latest(known), known.bytes().len() as u64))
                })
                .collect();
            assert_eq!(listed, wanted, "the list by {query:?} is not what there is, seed {}", self.seed);
            assert_eq!(page.total, wanted.len() as u64, "the total of {query:?}, seed {}", self.seed);
        }
    }
}
