//! What others ask of a job, and what a running attempt lets them know: `cancel`, `retry`, `report`.

use upnext_core::backend::{Cancelled, Report, ReportEntry, Result, Retried};
use upnext_core::transition::{self, Cancellation};
use upnext_core::{FailureReason, JobId, JobStatus};

use crate::Redis;
use crate::args::Args;
use crate::link::Repeat;
use crate::logs::stored_line;
use crate::reply::{self, Reply, letter_of, unexpected};
use crate::rows::stored_token;

pub(crate) async fn cancel(redis: &Redis, job: JobId) -> Result<Cancelled> {
    let letter = |status: &JobStatus| match transition::on_cancel(*status) {
        Cancellation::AtOnce => 'A',
        Cancellation::Requested => 'R',
        Cancellation::TooLate => 'T',
    };
    let decisions: String = JobStatus::ALL.iter().map(letter).collect();
    let mut args = redis.now.begin();
    args.add(job.as_bytes()).add(decisions);
    let mut reply = Reply::new(redis.link.call("cancel", &args, Repeat::Never).await?);
    let work = reply.number::<i64>()? == 1;
    let decision = reply.text()?;
    let status = reply.value()?;
    if work {
        redis.signals.work_available();
    }
    Ok(match decision.as_str() {
        "" => Cancelled::UnknownJob,
        "A" => {
            redis.signals.jobs_finished([job].into());
            Cancelled::AtOnce
        }
        "R" => Cancelled::Requested,
        _ => Cancelled::TooLate(reply::status(&status)?),
    })
}

pub(crate) async fn retry(redis: &Redis, job: JobId) -> Result<Retried> {
    let allowed: String = JobStatus::ALL
        .iter()
        .filter(|status| transition::may_retry_by_hand(**status))
        .map(|status| letter_of(*status))
        .collect();
    let mut args = redis.now.begin();
    args.add(job.as_bytes()).add(allowed);
    for reason in [FailureReason::Exception, FailureReason::Timeout, FailureReason::Unknown] {
        args.add(outcome_word(JobStatus::Failed, Some(reason)));
    }
    let mut reply = Reply::new(redis.link.call("retry", &args, Repeat::Never).await?);
    reply.value()?;
    let answer = reply.text()?;
    let status = reply.value()?;
    match answer.as_str() {
        "" => Ok(Retried::UnknownJob),
        "N" => Ok(Retried::NotFailed(reply::status(&status)?)),
        "Q" => {
            redis.signals.work_available();
            Ok(Retried::Queued)
        }
        _ => Err(unexpected("answer to a retry")),
    }
}

/// The word for the outcome of a job's last attempt, told from the job itself.
pub(crate) const fn outcome_word(status: JobStatus, reason: Option<FailureReason>) -> &'static str {
    match (status, reason) {
        (JobStatus::Complete, _) => "complete",
        (JobStatus::Cancelled, _) => "cancelled",
        (JobStatus::Failed, Some(FailureReason::Timeout)) => "timeout",
        (JobStatus::Failed, Some(FailureReason::Unknown)) => "lost",
        (JobStatus::Failed, _) => "failed",
        _ => "active",
    }
}

pub(crate) async fn report(redis: &Redis, reports: &[Report]) -> Result<()> {
    let mut args = Args::default();
    for report in reports {
        // What is no number says nothing about progress.
        if matches!(&report.entry, ReportEntry::Progress { fraction, .. } if !fraction.is_finite()) {
            continue;
        }
        args.add(report.lease.job_id.as_bytes()).add(stored_token(report.lease.token));
        match &report.entry {
            ReportEntry::Progress { fraction, message } => {
                args.add("P").number(fraction).add(message.as_deref().unwrap_or_default())
            }
            ReportEntry::Checkpoint(state) => args.add("C").add(state.as_str()).add(""),
            ReportEntry::Log(line) => args.add("L").add(stored_line(line)).add(""),
        };
    }
    if args.len() > 0 {
        redis.lanes.report.ask(args, reports.len()).await?;
    }
    Ok(())
}
