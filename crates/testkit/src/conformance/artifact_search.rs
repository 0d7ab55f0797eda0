//! `list_artifacts` by text: parts of names, globs, and full-text search over names and labels.

use std::time::Duration;

use upnext_core::artifact::ArtifactPatch;
use upnext_core::backend::ArtifactQuery;
use upnext_core::{JobId, Labels, NewArtifact};

use crate::factories::{json, new_artifact, new_job, tagged};
use crate::{Fixture, Harness, Steps};

async fn with_job(harness: &dyn Harness) -> (Fixture, JobId) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    (fixture, id)
}

async fn with_names(harness: &dyn Harness, names: &[&str]) -> Fixture {
    let (fixture, id) = with_job(harness).await;
    for name in names {
        fixture.backend.record_ok(new_artifact(id, name, name.as_bytes())).await;
    }
    fixture
}

fn search(text: &str) -> ArtifactQuery {
    ArtifactQuery { search: Some(text.to_owned()), ..ArtifactQuery::default() }
}

fn containing(text: &str) -> ArtifactQuery {
    ArtifactQuery { name_contains: Some(text.to_owned()), ..ArtifactQuery::default() }
}

fn glob(shape: &str) -> ArtifactQuery {
    ArtifactQuery { name_glob: Some(shape.to_owned()), ..ArtifactQuery::default() }
}

/// Each word is looked for in the name, the description, the tags and the metadata, wherever it is.
pub async fn words_are_found_wherever_they_are(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let labels = Labels {
        description: Some("Loss of the nightly training".into()),
        tags: vec!["resnet-50".into(), "blue team".into()],
        metadata: Some(json(r#"{"epoch": 17, "Owner": {"name": "Grace"}}"#)),
    };
    fixture.backend.record_ok(NewArtifact { labels, ..new_artifact(id, "Curves.PNG", b"1") }).await;
    fixture.backend.record_ok(new_artifact(id, "other.txt", b"2")).await;
    for found in [
        "curves",
        "CURVES.png",
        "urve",
        "nightly",
        "NIGHT",
        "resnet",
        "net-5",
        "blue",
        "team",
        "epoch",
        "17",
        "grace",
        "owner grace",
        "loss curves",
        "curves 17 resnet",
        "  grace \t\n loss ",
        "s of t",
        "o",
        ".",
    ] {
        let names = fixture.backend.names(search(found)).await;
        assert!(names.contains(&"Curves.PNG".to_owned()), "'{found}' is not found: {names:?}");
    }
    for missing in ["curves missing", "nightlytraining", "grace hopper", "18", "resnet51", "txt curves"] {
        assert!(fixture.backend.names(search(missing)).await.is_empty(), "'{missing}' is found");
    }
    for nothing in ["", "   ", "\n"] {
        assert_eq!(fixture.backend.names(search(nothing)).await.len(), 2, "no word should narrow nothing");
    }
}

/// Letter case is put aside in every script, also where a letter has several shapes.
pub async fn letter_case_is_put_aside_in_any_script(harness: &dyn Harness) {
    let cases = [
        ("ΟΔΟΣΤΡΩΜΑ.txt", &["οδοστρωμα", "ΟΔΟΣ", "οδος", "οδοσ"][..]),
        ("οδός.txt", &["ΟΔΌΣ", "οδόσ.TXT", "δός"]),
        ("Straßenfest.png", &["STRASSEN", "straße", "STRAẞE", "ßenf", "fest"]),
        ("GRÖSSE.csv", &["größe", "grösse", "Ö"]),
        ("İstanbul.json", &["i̇stanbul", "STANBUL", "İST"]),
        ("ОТЧЁТ.txt", &["отчёт", "чёт", "ё"]),
        ("図表データ.png", &["図", "図表", "表データ", "データ.png"]),
        ("報告書2026年.pdf", &["報告書", "告", "2026年", "年.PDF"]),
        ("naïve café.md", &["NAÏVE", "CAFÉ", "é.md"]),
        ("😀 smile.gif", &["😀", "😀 smile", "SMILE"]),
    ];
    let names: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
    let fixture = with_names(harness, &names).await;
    for (name, texts) in cases {
        for text in texts {
            let by_name = fixture.backend.names(containing(text)).await;
            assert!(by_name.contains(&name.to_owned()), "'{text}' is not found in {name}: {by_name:?}");
            let by_search = fixture.backend.names(search(text)).await;
            assert!(
                by_search.contains(&name.to_owned()),
                "a search for '{text}' misses {name}: {by_search:?}"
            );
        }
    }
    assert!(fixture.backend.names(containing("OTЧЁТ")).await.is_empty(), "Latin O is no Cyrillic О");
}

/// What means something to a query language is text like any other.
pub async fn everything_is_literal_text(harness: &dyn Harness) {
    let names = [
        "say \"hi\".txt",
        "it's",
        "100% done",
        "a_b_c",
        "axbxc",
        "star*star",
        "what?",
        "[abc]",
        "back\\slash",
        "cats AND dogs",
        "cats dogs",
        "NEAR(x y)",
        "-minus",
        "name:value",
        "col : x",
        "(paren",
        "caret^2",
        "a+b+c",
        "{brace}",
        "semi;colon",
        "--comment",
        "NOT this",
        "OR that",
        "\"\"\"",
    ];
    let fixture = with_names(harness, &names).await;
    for name in names {
        let found = fixture.backend.names(containing(name)).await;
        assert_eq!(found, [name], "the part '{name}' of a name is not taken literally");
        let found = fixture.backend.names(search(name)).await;
        assert!(found.contains(&name.to_owned()), "the search for '{name}' does not find it: {found:?}");
    }
    for (text, wanted) in [
        ("AND", &["cats AND dogs"][..]),
        ("OR that", &["OR that"]),
        ("100%", &["100% done"]),
        ("%", &["100% done"]),
        ("_b_", &["a_b_c"]),
        ("r*s", &["star*star"]),
        ("\"", &["\"\"\"", "say \"hi\".txt"]),
        ("\"hi\"", &["say \"hi\".txt"]),
        ("'", &["it's"]),
        ("(x", &["NEAR(x y)"]),
        ("-min", &["-minus"]),
        ("e:v", &["name:value"]),
        ("^2", &["caret^2"]),
        ("cats*", &[]),
        ("dogs OR", &[]),
        ("cats NOT dogs", &[]),
    ] {
        assert_eq!(fixture.backend.names(search(text)).await, wanted, "the search for '{text}'");
    }
    for odd in ["\0", "a\0b", "\"\0", "\u{1}", "\u{fffd}", "\u{200d}"] {
        assert!(fixture.backend.names(containing(odd)).await.is_empty(), "{odd:?} is in no name");
        fixture.backend.names(search(odd)).await;
    }
}

/// Texts of one and two characters are found like longer ones, alone and beside longer ones.
pub async fn short_texts_are_found(harness: &dyn Harness) {
    let fixture = with_names(harness, &["ab", "abc", "xaby", "b", "図表", "A b"]).await;
    for (text, wanted) in [
        ("ab", &["xaby", "abc", "ab"][..]),
        ("AB", &["xaby", "abc", "ab"]),
        ("b", &["A b", "b", "xaby", "abc", "ab"]),
        ("図", &["図表"]),
        ("図表", &["図表"]),
    ] {
        assert_eq!(fixture.backend.names(containing(text)).await, wanted, "names that contain '{text}'");
        assert_eq!(fixture.backend.names(search(text)).await, wanted, "the search for '{text}'");
    }
    assert_eq!(fixture.backend.names(search("xab b")).await, ["xaby"], "a long and a short word");
    assert_eq!(fixture.backend.names(search("abc x")).await, [""; 0], "a short word is left out of account");
}

/// A search sees what was recorded, changed and deleted just before, by any handle.
pub async fn a_search_sees_what_was_just_done(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = harness.reopen(&fixture).await;
    for n in 0..5 {
        let name = format!("report-{n}.txt");
        let alone = std::slice::from_ref(&name);
        let labels = Labels { description: Some(format!("first words {n}")), ..Labels::default() };
        let new = NewArtifact { labels, ..new_artifact(id, &name, b"1") };
        let artifact = fixture.backend.record_ok(new).await;
        for handle in [&other, &fixture.backend] {
            assert_eq!(handle.names(containing(&name)).await, alone, "not found by its name at once");
            assert_eq!(handle.names(search("first words")).await, alone, "not found by its words");
        }
        let patch = ArtifactPatch { description: Some("second thoughts".into()), ..ArtifactPatch::default() };
        other.patch(artifact.id, patch).await;
        assert!(fixture.backend.names(search("first words")).await.is_empty(), "old words are found");
        assert_eq!(fixture.backend.names(search("thoughts")).await, alone, "new words are not found");
        assert_eq!(fixture.backend.names(containing("REPORT-")).await, alone, "its name was lost");
        let patch = ArtifactPatch { tags: Some(vec!["labelled".into()]), ..ArtifactPatch::default() };
        fixture.backend.patch(artifact.id, patch).await;
        assert_eq!(other.names(search("second labelled")).await, alone, "new tags are not found");
        fixture.backend.remove(artifact.id).await;
        assert!(other.names(search("thoughts")).await.is_empty(), "what was deleted is found");
    }
    let unseen = fixture.backend.record_ok(new_artifact(id, "never searched", b"1")).await;
    fixture
        .backend
        .patch(unseen.id, ArtifactPatch { tags: Some(vec!["tag".into()]), ..Default::default() })
        .await;
    fixture.backend.remove(unseen.id).await;
    let again = fixture.backend.record_ok(new_artifact(id, "searched", b"1")).await;
    assert_eq!(
        fixture.backend.names(containing("searched")).await,
        [again.name],
        "found beside what is gone"
    );
}

/// Searches that run while artifacts come and go always end, and never show one that was gone before.
pub async fn searches_end_while_artifacts_come_and_go(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = harness.reopen(&fixture).await;
    let churn = tokio::spawn(async move {
        for n in 0..150 {
            let artifact = other.record_ok(new_artifact(id, &format!("fleeting {n}"), b"1")).await;
            other.remove(artifact.id).await;
        }
    });
    let searching = async {
        while !churn.is_finished() {
            fixture.backend.page(ArtifactQuery { limit: 10, ..containing("fleeting") }).await;
        }
        fixture.backend.names(containing("fleeting")).await
    };
    let left = tokio::time::timeout(Duration::from_secs(60), searching).await;
    assert_eq!(left.expect("a search never ended"), [""; 0], "what was deleted is found");
}

/// Globs know `*`, `?` and classes; they take the whole name, slashes too, and letter case counts.
pub async fn globs_match_whole_names(harness: &dyn Harness) {
    let names =
        ["report-1.csv", "report-22.csv", "Report-3.csv", "a/report-4.csv", "größe.csv", "[x]", "a*b", "図1"];
    let fixture = with_names(harness, &names).await;
    for (shape, wanted) in [
        ("report-*.csv", &["report-22.csv", "report-1.csv"][..]),
        ("*report-*.csv", &["a/report-4.csv", "report-22.csv", "report-1.csv"]),
        ("report-?.csv", &["report-1.csv"]),
        ("[rR]eport-[0-3].csv", &["Report-3.csv", "report-1.csv"]),
        ("[^r]eport-*", &["Report-3.csv"]),
        ("report", &[]),
        ("REPORT*", &[]),
        ("gr??e.csv", &["größe.csv"]),
        ("*öß*", &["größe.csv"]),
        ("[[]x]", &["[x]"]),
        ("a[*]b", &["a*b"]),
        ("[図表]?", &["図1"]),
        ("??", &["図1"]),
        ("", &[]),
        ("[unclosed", &[]),
        ("%", &[]),
    ] {
        assert_eq!(fixture.backend.names(glob(shape)).await, wanted, "names of the shape '{shape}'");
    }
    assert_eq!(fixture.backend.names(glob("*")).await.len(), names.len(), "'*' should match every name");
    let greek = with_names(harness, &["ΟΔΟΣΤΡΩΜΑ", "ΟΔΟΣ", "οδος"]).await;
    assert_eq!(greek.backend.names(glob("ΟΔΟΣ*")).await, ["ΟΔΟΣ", "ΟΔΟΣΤΡΩΜΑ"], "a glob over Greek capitals");
}

/// A search goes with every other filter, with pages and with all orders.
pub async fn a_search_goes_with_other_filters(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = fixture.backend.submit(new_job("g")).await;
    for n in 0..30_u8 {
        let job = if n % 3 == 0 { other } else { id };
        let labels = if n % 2 == 0 { tagged(&["even"]) } else { Labels::default() };
        let name = format!("part {:02}", 29 - n);
        let bytes = vec![b'x'; usize::from(n)];
        fixture.backend.record_ok(NewArtifact { labels, ..new_artifact(job, &name, &bytes) }).await;
    }
    let query = ArtifactQuery {
        function: Some("f".into()),
        tags: vec!["even".into()],
        min_size: Some(4),
        max_size: Some(20),
        name_contains: Some("ART".into()),
        name_glob: Some("part [012]?".into()),
        ..search("part")
    };
    let wanted: Vec<String> =
        (4..=20).rev().filter(|n| n % 2 == 0 && n % 3 != 0).map(|n| format!("part {:02}", 29 - n)).collect();
    assert_eq!(fixture.backend.names(query.clone()).await, wanted, "filters do not work together");
    let by_job = ArtifactQuery { job_id: Some(id), ..query.clone() };
    assert_eq!(fixture.backend.names(by_job).await, wanted, "filters do not work together within a job");
    let mut page = ArtifactQuery { limit: 2, ..query };
    let mut seen = Vec::new();
    loop {
        let found = fixture.backend.page(page.clone()).await;
        assert_eq!(found.total, wanted.len() as u64, "the total changes from page to page");
        seen.extend(found.items.into_iter().map(|artifact| artifact.name));
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, wanted, "the pages of a search do not hold every artifact once");
}
