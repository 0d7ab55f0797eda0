//! `upnext artifacts diff`: what differs between two artifacts, for people and as JSON.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Seek as _, Write as _};

use futures::StreamExt as _;
use upnext_backends::Deployment;
use upnext_core::Artifact;
use upnext_previews::{ChangedValue, Difference, Limits, LineChange, Source, compare};

use super::find;
use super::transfer::broken;
use crate::args::ArtifactRef;
use crate::commands::DONE;
use crate::failure::Failure;
use crate::output;
use crate::table::{maybe, size};

/// Exit code when they differ, as that of `diff`.
const DIFFERENT: u8 = 1;

pub(super) async fn diff(
    deployment: &Deployment,
    old: ArtifactRef,
    new: ArtifactRef,
    json: bool,
) -> Result<u8, Failure> {
    let (old, new) = (find(deployment, &old).await?, find(deployment, &new).await?);
    let difference = if old.sha256.is_some() && old.sha256 == new.sha256 {
        Difference::Same { size: old.size_bytes }
    } else {
        let files = (fetch(deployment, &old).await?, fetch(deployment, &new).await?);
        let named = (old.clone(), new.clone());
        let compared = tokio::task::spawn_blocking(move || between((&named.0, files.0), (&named.1, files.1)));
        compared.await.map_err(|error| Failure::new(format!("comparing was broken off: {error}")))??
    };
    let same = matches!(difference, Difference::Same { .. });
    if json {
        output::json(&difference)?;
    } else {
        output::line(described(&difference, &old, &new).trim_end());
    }
    Ok(if same { DONE } else { DIFFERENT })
}

/// The bytes of an artifact in a file that nobody else sees.
async fn fetch(deployment: &Deployment, artifact: &Artifact) -> Result<File, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("a temporary file cannot be written: {error}"));
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut bytes = deployment.artifacts.read(artifact, None).await?;
    while let Some(piece) = bytes.next().await {
        file.write_all(&piece.map_err(broken)?).map_err(failed)?;
    }
    file.rewind().map_err(failed)?;
    Ok(file)
}

fn between(
    (old, mut old_file): (&Artifact, File),
    (new, mut new_file): (&Artifact, File),
) -> Result<Difference, Failure> {
    let old = Source {
        media_type: &old.content_type,
        name: &old.name,
        size: old.size_bytes,
        reader: &mut old_file,
    };
    let new = Source {
        media_type: &new.content_type,
        name: &new.name,
        size: new.size_bytes,
        reader: &mut new_file,
    };
    compare(old, new, &Limits::default()).map_err(|error| Failure::new(error.to_string()))
}

fn described(difference: &Difference, old: &Artifact, new: &Artifact) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = describe(&mut text, difference, old, new);
    text
}

fn describe(text: &mut String, difference: &Difference, old: &Artifact, new: &Artifact) -> std::fmt::Result {
    match difference {
        Difference::Same { size: bytes } => writeln!(text, "they are the same: {}", size(*bytes)),
        Difference::Text(lines) => {
            writeln!(text, "--- {}\n+++ {}", old.name, new.name)?;
            for hunk in &lines.hunks {
                writeln!(
                    text,
                    "@@ -{},{} +{},{} @@",
                    hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines
                )?;
                for line in &hunk.lines {
                    let mark = match line.change {
                        LineChange::Context => ' ',
                        LineChange::Added => '+',
                        LineChange::Removed => '-',
                    };
                    writeln!(text, "{mark}{}", line.text)?;
                }
            }
            writeln!(text, "{} lines added, {} removed", lines.added, lines.removed)?;
            lines.note.iter().try_for_each(|note| writeln!(text, "{note}"))
        }
        Difference::Json(values) => {
            for change in &values.changes {
                let path = if change.path.is_empty() { "(the whole)" } else { &change.path };
                match &change.change {
                    ChangedValue::Added { new } => writeln!(text, "+ {path}: {new}")?,
                    ChangedValue::Removed { old } => writeln!(text, "- {path}: {old}")?,
                    ChangedValue::Changed { old, new } => writeln!(text, "~ {path}: {old} -> {new}")?,
                }
            }
            let more = if values.truncated { ", and more" } else { "" };
            writeln!(
                text,
                "{} added, {} removed, {} changed{more}",
                values.added, values.removed, values.changed
            )
        }
        Difference::Table(table) => {
            for column in &table.columns_added {
                writeln!(text, "+ column {}", column.name)?;
            }
            for column in &table.columns_removed {
                writeln!(text, "- column {}", column.name)?;
            }
            for column in &table.columns_retyped {
                writeln!(text, "~ column {}: {} -> {}", column.name, column.old, column.new)?;
            }
            let rows = |rows: Option<u64>| maybe(rows, |rows| rows.to_string());
            writeln!(text, "rows: {} -> {}", rows(table.old_rows), rows(table.new_rows))
        }
        Difference::Image(_) | Difference::Bytes(_) => {
            let facts = serde_json::to_string(difference).unwrap_or_default();
            writeln!(text, "they differ: {} -> {}\n{facts}", size(old.size_bytes), size(new.size_bytes))
        }
    }
}
