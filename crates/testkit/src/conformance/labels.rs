//! `update_artifact`, and what is written on an artifact: description, tags, metadata, expiry, pin, media type.

use std::time::Duration;

use upnext_core::artifact::ArtifactPatch;
use upnext_core::backend::ArtifactQuery;
use upnext_core::{Artifact, ArtifactId, ArtifactType, JobId, Labels, NewArtifact};

use crate::factories::{json, leased_artifact, new_artifact, new_job, tagged};
use crate::{Fixture, Harness, Steps};

async fn with_job(harness: &dyn Harness) -> (Fixture, JobId) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    (fixture, id)
}

fn full() -> Labels {
    Labels {
        description: Some("Größe \"quoted\"\n図 😀".to_owned()),
        tags: vec!["zeta".to_owned(), "Ägypten".to_owned(), "a b".to_owned()],
        metadata: Some(json(r#"{"epoch": 3, "nested": {"π": [1, 2.50, null]}}"#)),
    }
}

fn with_tags(tags: &[&str]) -> ArtifactQuery {
    ArtifactQuery { tags: tagged(tags).tags, ..ArtifactQuery::default() }
}

/// Labels read back as they were given, in their order, through every way of reading and after reopening.
pub async fn labels_read_back_exactly(harness: &dyn Harness) {
    let (mut fixture, id) = with_job(harness).await;
    let new = NewArtifact { labels: full(), ..new_artifact(id, "a", b"1") };
    let artifact = fixture.backend.record_ok(new).await;
    assert_eq!(artifact.labels, full(), "the answer has other labels");
    fixture.backend = harness.reopen(&fixture).await;
    assert_eq!(fixture.backend.artifact_there(artifact.id).await, artifact, "labels were lost by reopening");
    let listed = fixture.backend.page(ArtifactQuery { limit: 5, ..with_tags(&["Ägypten"]) }).await.items;
    assert_eq!(listed, [artifact], "the list shows other labels");
}

/// Any media type is kept with its parameters, and lists by type go by the type without them.
pub async fn any_media_type_is_kept(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    for (text, shown) in [
        ("text/markdown", "text/markdown"),
        ("text/markdown; variant=GFM", "text/markdown; variant=GFM"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("file/csv", "text/csv"),
    ] {
        let artifact_type: ArtifactType = text.parse().expect("the test's type is one");
        let content_type = artifact_type.content_type().to_owned();
        let new = NewArtifact { artifact_type, content_type, ..new_artifact(id, text, b"1") };
        let artifact = fixture.backend.record_ok(new).await;
        let found = fixture.backend.artifact_there(artifact.id).await;
        assert_eq!(found.content_type, shown, "the media type of {text} is not kept");
        assert_eq!(found.artifact_type.as_str(), text.split(';').next().unwrap_or_default(), "wrong type");
    }
    let odd =
        NewArtifact { content_type: "text/plain; charset=latin-1".into(), ..new_artifact(id, "odd", b"1") };
    let odd = fixture.backend.record_ok(odd).await;
    assert_eq!(fixture.backend.artifact_there(odd.id).await.content_type, "text/plain; charset=latin-1");
    let markdown = ArtifactQuery { artifact_type: "text/markdown".parse().ok(), ..ArtifactQuery::default() };
    assert_eq!(fixture.backend.names(markdown).await.len(), 2, "parameters hide artifacts of a type");
}

/// A patch changes what it names and leaves the rest; the answer is what is found then.
pub async fn a_patch_changes_only_what_it_names(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let new = NewArtifact {
        labels: full(),
        expires_in: Some(Duration::from_secs(60)),
        ..new_artifact(id, "a", b"1")
    };
    let before = fixture.backend.record_ok(new).await;
    assert_eq!(before.expires_at, Some(fixture.in_seconds(60)), "it expires at another time");
    let same = fixture.backend.patch(before.id, ArtifactPatch::default()).await;
    assert_eq!(same, before, "an empty patch changed something");
    let moment = fixture.in_seconds(500);
    type Change = (ArtifactPatch, fn(&mut Artifact));
    let steps: [Change; 7] = [
        (ArtifactPatch { description: Some("new".into()), ..ArtifactPatch::default() }, |a| {
            a.labels.description = Some("new".into());
        }),
        (
            ArtifactPatch {
                tags: Some(vec!["x".into(), " y ".into(), "x".into()]),
                ..ArtifactPatch::default()
            },
            |a| {
                a.labels.tags = vec!["x".into(), "y".into()];
            },
        ),
        (ArtifactPatch { metadata: Some(json("{}")), ..ArtifactPatch::default() }, |a| {
            a.labels.metadata = Some(json("{}"));
        }),
        (ArtifactPatch { pinned: Some(true), ..ArtifactPatch::default() }, |a| a.pinned = true),
        (ArtifactPatch { expires_at: Some(None), ..ArtifactPatch::default() }, |a| a.expires_at = None),
        (
            ArtifactPatch { expires_at: Some(Some(moment)), pinned: Some(false), ..ArtifactPatch::default() },
            |a| {
                a.pinned = false;
                a.expires_at = Some(crate::fixture::START.after(Duration::from_secs(500)));
            },
        ),
        (
            ArtifactPatch {
                description: Some(String::new()),
                tags: Some(Vec::new()),
                metadata: Some(json("null")),
                ..ArtifactPatch::default()
            },
            |a| a.labels = Labels::default(),
        ),
    ];
    let mut wanted = before;
    for (patch, change) in steps {
        change(&mut wanted);
        assert_eq!(fixture.backend.patch(wanted.id, patch.clone()).await, wanted, "the answer to {patch:?}");
        assert_eq!(fixture.backend.artifact_there(wanted.id).await, wanted, "what is found after {patch:?}");
    }
}

/// A patch that breaks a rule changes nothing at all; one of an unknown artifact finds none.
pub async fn a_bad_patch_changes_nothing(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let before =
        fixture.backend.record_ok(NewArtifact { labels: full(), ..new_artifact(id, "a", b"1") }).await;
    let place = fixture.backend.place().await;
    for bad in [
        ArtifactPatch { tags: Some(vec!["a,b".into()]), pinned: Some(true), ..ArtifactPatch::default() },
        ArtifactPatch {
            metadata: Some(json("[1]")),
            description: Some("x".into()),
            ..ArtifactPatch::default()
        },
    ] {
        let answer = fixture.backend.update_artifact(before.id, bad).await.expect("update should not fail");
        assert!(answer.expect("it is there").is_err(), "a patch against the rules was taken");
    }
    assert_eq!(fixture.backend.artifact_there(before.id).await, before, "a refused patch changed something");
    assert!(fixture.backend.everything_since(place).await.artifacts.is_empty(), "a refused patch is told");
    let patch = ArtifactPatch { pinned: Some(true), ..ArtifactPatch::default() };
    let unknown = fixture.backend.update_artifact(ArtifactId::fresh(), patch).await;
    assert!(unknown.expect("update should not fail").is_none(), "an unknown artifact was changed");
}

/// Several tags narrow the list to those that have all of them; tags are compared whole and letter by letter.
pub async fn several_tags_must_all_be_there(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    for (name, tags) in [
        ("ab", &["a", "b"][..]),
        ("abc", &["c", "b", "a"]),
        ("a", &["a"]),
        ("A", &["A"]),
        ("aa", &["aa", "Ä"]),
        ("none", &[]),
    ] {
        fixture.backend.record_ok(NewArtifact { labels: tagged(tags), ..new_artifact(id, name, b"1") }).await;
    }
    for (tags, wanted) in [
        (&["a"][..], &["a", "abc", "ab"][..]),
        (&["a", "b"], &["abc", "ab"]),
        (&["b", "a"], &["abc", "ab"]),
        (&["a", "b", "c"], &["abc"]),
        (&["a", "a"], &["a", "abc", "ab"]),
        (&["A"], &["A"]),
        (&["Ä"], &["aa"]),
        (&["a", "A"], &[]),
        (&["%"], &[]),
        (&["d"], &[]),
    ] {
        assert_eq!(fixture.backend.names(with_tags(tags)).await, wanted, "the list by the tags {tags:?}");
    }
    let both = ArtifactQuery { name_contains: Some("AB".into()), job_id: Some(id), ..with_tags(&["b", "c"]) };
    assert_eq!(fixture.backend.names(both).await, ["abc"], "tags do not work with other filters");
}

/// New tags are found at once, those they replaced no longer, nor those of deleted artifacts.
pub async fn tags_follow_their_artifact(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let new = NewArtifact { labels: tagged(&["old", "stays"]), ..new_artifact(id, "a", b"1") };
    let artifact = fixture.backend.record_ok(new).await;
    let patch = ArtifactPatch { tags: Some(tagged(&["stays", "new"]).tags), ..ArtifactPatch::default() };
    fixture.backend.patch(artifact.id, patch).await;
    for (tag, there) in [("old", false), ("stays", true), ("new", true)] {
        let found = !fixture.backend.names(with_tags(&[tag])).await.is_empty();
        assert_eq!(found, there, "after a patch, the tag '{tag}'");
    }
    fixture.backend.remove(artifact.id).await;
    for tag in ["stays", "new"] {
        assert!(fixture.backend.names(with_tags(&[tag])).await.is_empty(), "a deleted artifact has a tag");
    }
    let again = fixture.backend.record_ok(new_artifact(id, "b", b"1")).await;
    assert!(again.labels.is_empty(), "a new artifact inherits labels: {again:?}");
}

/// Each version has labels of its own.
pub async fn labels_belong_to_their_version(harness: &dyn Harness) {
    let (fixture, _) = with_job(harness).await;
    let claimed = fixture.backend.take_one("f").await;
    let first = NewArtifact { labels: tagged(&["first"]), ..leased_artifact(claimed.lease, "a", b"1") };
    let first = fixture.backend.record_ok(first).await;
    let second = fixture.backend.record_ok(leased_artifact(claimed.lease, "a", b"2")).await;
    assert!(second.labels.is_empty(), "a new version has the labels of the one before");
    assert!(
        fixture.backend.names(with_tags(&["first"])).await.is_empty(),
        "an older version is listed by tag"
    );
    let all = ArtifactQuery { all_versions: true, ..with_tags(&["first"]) };
    assert_eq!(fixture.backend.names(all).await, ["a"], "all versions do not include the tagged one");
    fixture.backend.remove(second.id).await;
    let shown = fixture.backend.artifact_there(first.id).await;
    assert_eq!(shown.labels, tagged(&["first"]), "the labels of an older version were lost");
    assert_eq!(fixture.backend.names(with_tags(&["first"])).await, ["a"], "it is the latest again");
}
