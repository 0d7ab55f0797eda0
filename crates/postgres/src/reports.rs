//! `report`: what running attempts let others know.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_postgres::Row;
use upnext_core::backend::{self, Report, ReportEntry};
use upnext_core::job::Lease;
use upnext_core::{RawJson, Timestamp};

use crate::attempts::{FACTS, attempts_of, columns};
use crate::database::{Database, Promise, Transaction, write};
use crate::faults::Result;
use crate::params::{Param, params, small, text};

/// The lane's step.
pub(crate) fn report(
    database: Arc<Database>,
    reports: Vec<Report>,
) -> BoxFuture<'static, backend::Result<Vec<()>>> {
    async move {
        let (ids, tokens) = columns(reports.iter().map(|report| report.lease));
        let facts: &[&dyn Param] = params![ids, tokens];
        write!(database, Promise::Soft, Some((FACTS, facts)), |transaction, rows| {
            report_all(transaction, &reports, &rows)
        })
    }
    .boxed()
}

/// What is known of a job after a batch: its last words count.
#[derive(Default)]
struct Words<'a> {
    fraction: Option<f64>,
    message: Option<&'a str>,
    checkpoint: Option<&'a RawJson>,
}

#[derive(Default)]
struct Lines {
    jobs: Vec<i64>,
    attempts: Vec<i32>,
    moments: Vec<i64>,
    levels: Vec<String>,
    messages: Vec<String>,
    extras: Vec<Option<String>>,
}

async fn report_all(transaction: &mut Transaction<'_>, reports: &[Report], facts: &[Row]) -> Result<Vec<()>> {
    let leases: Vec<Lease> = reports.iter().map(|report| report.lease).collect();
    let attempts = attempts_of(facts)?;
    let held: std::collections::HashMap<Lease, (i64, i32)> = attempts
        .iter()
        .map(|(place, attempt)| (leases[*place], (attempt.job, small(attempt.attempts))))
        .collect();
    // In the order of the jobs, which is the order of locking.
    let mut words: std::collections::BTreeMap<i64, Words<'_>> = std::collections::BTreeMap::new();
    let mut lines = Lines::default();
    for report in reports {
        let Some(&(job, attempt)) = held.get(&report.lease) else { continue };
        match &report.entry {
            // What is no number says nothing about progress.
            ReportEntry::Progress { fraction, .. } if !fraction.is_finite() => {}
            ReportEntry::Progress { fraction, message } => {
                let word = words.entry(job).or_default();
                word.fraction = Some(*fraction);
                word.message = message.as_deref().or(word.message);
                transaction.changed(job);
            }
            ReportEntry::Checkpoint(state) => {
                words.entry(job).or_default().checkpoint = Some(state);
                transaction.changed(job);
            }
            ReportEntry::Log(line) => {
                lines.jobs.push(job);
                lines.attempts.push(attempt);
                lines.moments.push(Timestamp::as_micros(line.at));
                lines.levels.push(text(&line.level));
                lines.messages.push(text(&line.message));
                lines.extras.push(line.extra.as_ref().map(|extra| extra.as_str().to_owned()));
            }
        }
    }
    write_words(transaction, &words).await?;
    if !lines.jobs.is_empty() {
        let given =
            params![lines.jobs, lines.attempts, lines.moments, lines.levels, lines.messages, lines.extras];
        transaction.all(include_str!("../queries/report_log.sql"), given).await?;
    }
    Ok(vec![(); reports.len()])
}

async fn write_words(
    transaction: &Transaction<'_>,
    words: &std::collections::BTreeMap<i64, Words<'_>>,
) -> Result<()> {
    let progress: Vec<(i64, f64, Option<String>)> =
        words.iter().filter_map(|(job, word)| Some((*job, word.fraction?, word.message.map(text)))).collect();
    if !progress.is_empty() {
        let jobs: Vec<i64> = progress.iter().map(|(job, ..)| *job).collect();
        let fractions: Vec<f64> = progress.iter().map(|(_, fraction, _)| *fraction).collect();
        let messages: Vec<Option<String>> = progress.into_iter().map(|(.., message)| message).collect();
        let note = include_str!("../queries/report_progress.sql");
        transaction.all(note, params![jobs, fractions, messages]).await?;
    }
    let states: Vec<(i64, &str)> =
        words.iter().filter_map(|(job, word)| Some((*job, word.checkpoint?.as_str()))).collect();
    if !states.is_empty() {
        let (jobs, states): (Vec<i64>, Vec<&str>) = states.into_iter().unzip();
        let now = transaction.now.as_micros();
        let note = include_str!("../queries/report_checkpoint.sql");
        transaction.all(note, params![jobs, states, now]).await?;
    }
    Ok(())
}
