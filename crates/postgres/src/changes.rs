//! `changes_since`: what changed after a place in the order of all changes.
//!
//! Numbers are given under a lock that is held until the commit can be seen (`upnext.next_changes`, `upnext.note_changes`),
//! so the order of numbers is the order in which commits become visible, and a reader never passes one over.

use tokio_postgres::Row;
use upnext_core::Timestamp;
use upnext_core::backend::{self, ArtifactChange, ArtifactChangeKind, Changes, Feed, JobChange};

use crate::database::{Connection, Database, read, single};
use crate::faults::Result;
use crate::params::{count, params};
use crate::rows;

pub(crate) async fn changes_since(
    database: &Database,
    cursor: Option<i64>,
    limit: usize,
    feed: Feed,
) -> backend::Result<Changes> {
    let changes = read!(database, |transaction| since(transaction, cursor, limit, feed))?;
    // Whoever remembers this place must not be ahead of a server that crashed and lost what nobody was promised: numbers
    // that it gives again would be passed over.
    if cursor != Some(changes.cursor) {
        single!(database, |connection| async {
            let durable = connection.one(include_str!("../queries/is_durable.sql"), &[]).await?;
            match database.barrier() {
                Some(barrier) if !durable.try_get::<_, bool>(0)? => connection.execute(barrier).await,
                _ => Ok(()),
            }
        })?;
    }
    Ok(changes)
}

async fn since(
    connection: &Connection<'_>,
    cursor: Option<i64>,
    limit: usize,
    feed: Feed,
) -> Result<Changes> {
    let Some(after) = cursor else {
        let newest = connection.one(include_str!("../queries/last_change.sql"), &[]).await?;
        return Ok(Changes { cursor: newest.try_get(0)?, ..Changes::default() });
    };
    let rows =
        connection.all(include_str!("../queries/changes_since.sql"), params![after, count(limit)]).await?;
    let jobs: Vec<JobChange> = rows
        .iter()
        .map(|row| {
            Ok(JobChange {
                sequence: row.try_get(0)?,
                id: rows::job_id(row, 1)?,
                status: rows::word(row, 2)?,
            })
        })
        .collect::<Result<_>>()?;
    // What comes after the last job of a full page is cut off anyway.
    let until = jobs.last().filter(|_| jobs.len() >= limit).map_or(i64::MAX, |last| last.sequence);
    let mut changes = Changes { jobs, ..Changes::default() };
    if feed == Feed::Everything {
        changes.artifacts = artifact_changes(connection, after, until, limit).await?;
    }
    cut(&mut changes, limit);
    let last =
        [changes.jobs.last().map(|change| change.sequence), changes.artifacts.last().map(|c| c.sequence)];
    changes.cursor = last.into_iter().flatten().max().unwrap_or(after);
    Ok(changes)
}

/// Keeps the first `limit` of jobs and artifacts together, so that no change before the cursor is left out.
fn cut(changes: &mut Changes, limit: usize) {
    let jobs = changes.jobs.iter().map(|change| change.sequence);
    let mut sequences: Vec<i64> =
        jobs.chain(changes.artifacts.iter().map(|change| change.sequence)).collect();
    sequences.sort_unstable();
    if let Some(&first_left_out) = sequences.get(limit) {
        changes.jobs.retain(|change| change.sequence < first_left_out);
        changes.artifacts.retain(|change| change.sequence < first_left_out);
    }
}

async fn artifact_changes(
    connection: &Connection<'_>,
    after: i64,
    mut until: i64,
    limit: usize,
) -> Result<Vec<ArtifactChange>> {
    let mut changes: Vec<ArtifactChange> = Vec::new();
    // The first of these passes over artifacts that are of no interest; it need not look farther than the other fills.
    for sql in [
        include_str!("../queries/changes_since_creations.sql"),
        include_str!("../queries/changes_since_updates.sql"),
    ] {
        let found = connection.all(sql, params![after, count(limit), until]).await?;
        for row in &found {
            let kind =
                if row.try_get(3)? { ArtifactChangeKind::Created } else { ArtifactChangeKind::Updated };
            changes.push(artifact_change(row, kind, None)?);
        }
        if let Some(last) = changes.last().filter(|_| found.len() >= limit) {
            until = until.min(last.sequence);
        }
    }
    let deletions = include_str!("../queries/changes_since_deletions.sql");
    for row in connection.all(deletions, params![after, count(limit), until]).await? {
        changes.push(artifact_change(&row, ArtifactChangeKind::Deleted, rows::moment(&row, 3)?)?);
    }
    changes.sort_unstable_by_key(|change: &ArtifactChange| change.sequence);
    Ok(changes)
}

fn artifact_change(
    row: &Row,
    kind: ArtifactChangeKind,
    deleted_at: Option<Timestamp>,
) -> Result<ArtifactChange> {
    Ok(ArtifactChange {
        sequence: row.try_get(0)?,
        id: rows::artifact_id(row, 1)?,
        job_id: rows::job_id(row, 2)?,
        kind,
        deleted_at,
    })
}
