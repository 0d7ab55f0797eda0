//! What the killed workers left behind, counted: every job, every attempt and every byte of every artifact is looked at.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use upnext_backends::Deployment;
use upnext_core::artifact::Digest;
use upnext_core::backend::{ArtifactQuery, JobQuery};
use upnext_core::transition::MAX_LOSSES;
use upnext_core::{Artifact, ArtifactId, ArtifactStatus, Attempt, Job, JobId, JobStatus};

use crate::home::Home;
use crate::tasks::{self, Made};
use crate::workers::{Blow, Blows, Plan};

#[derive(Debug, Default)]
pub(crate) struct Figures {
    jobs_lost: usize,
    jobs_not_final: usize,
    jobs_not_complete: usize,
    stale_finishes_accepted: usize,
    stale_outcomes_refused: usize,
    standstills: usize,
    artifacts: usize,
    artifacts_acknowledged: usize,
    artifacts_lost: usize,
    artifacts_torn: usize,
    records_without_bytes: usize,
    attempts_run_twice: usize,
    runs_nobody_counts: usize,
    duplicate_runs: usize,
    attempts_lost: usize,
    longest_wait: Duration,
    longest_fair_wait: Duration,
    stuck: usize,
    first_flaw: Option<String>,
}

impl Figures {
    fn flaw(&mut self, words: impl FnOnce() -> String) {
        self.first_flaw.get_or_insert_with(words);
    }

    /// Panics unless nothing was lost, torn, stale or stuck.
    pub(crate) fn assert_clean(&self) {
        let flaws = [
            self.jobs_lost,
            self.jobs_not_final,
            self.jobs_not_complete,
            self.stale_finishes_accepted,
            self.artifacts_lost,
            self.artifacts_torn,
            self.records_without_bytes,
            self.attempts_run_twice,
            self.runs_nobody_counts,
            self.stuck,
        ];
        assert!(
            flaws.iter().all(|count| *count == 0),
            "{}\n{self}",
            self.first_flaw.as_deref().unwrap_or_default()
        );
        assert!(self.attempts_lost > 0, "no kill met a running attempt: the test shows nothing");
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: [(&str, &dyn fmt::Debug); 18] = [
            ("acknowledged jobs lost", &self.jobs_lost),
            ("jobs not final", &self.jobs_not_final),
            ("jobs not complete", &self.jobs_not_complete),
            ("stale finishes accepted", &self.stale_finishes_accepted),
            ("stale outcomes refused", &self.stale_outcomes_refused),
            ("standstills longer than a lease", &self.standstills),
            ("artifacts listed and read back", &self.artifacts),
            ("artifacts acknowledged", &self.artifacts_acknowledged),
            ("acknowledged artifacts lost", &self.artifacts_lost),
            ("artifacts torn", &self.artifacts_torn),
            ("records without bytes", &self.records_without_bytes),
            ("attempts that ran twice", &self.attempts_run_twice),
            ("runs that no attempt stands for", &self.runs_nobody_counts),
            ("attempts lost with their worker", &self.attempts_lost),
            ("runs beyond a job's first", &self.duplicate_runs),
            ("longest time to the next attempt", &self.longest_wait),
            ("the same, standstills aside", &self.longest_fair_wait),
            ("jobs stuck longer than 2 leases", &self.stuck),
        ];
        lines.iter().try_for_each(|(name, value)| writeln!(f, "{name:<32} {value:>8?}"))
    }
}

pub(crate) async fn of(
    home: &Home,
    deployment: &Deployment,
    plan: &Plan,
    blows: &Blows,
    accepted: &[JobId],
) -> Figures {
    let words = home.words_of_children();
    let mut figures = Figures {
        standstills: blows.stood_still(),
        stale_outcomes_refused: words
            .lines()
            .filter(|line| line.contains("had run out and was refused"))
            .count(),
        ..Figures::default()
    };
    let jobs = every_job(deployment).await;
    let pids = pids(deployment).await;
    for id in accepted {
        let Some(job) = jobs.get(id) else {
            figures.jobs_lost += 1;
            figures.flaw(|| format!("job {id} was acknowledged and is not there"));
            continue;
        };
        figures.jobs_not_final += usize::from(!job.status.is_final());
        figures.jobs_not_complete += usize::from(job.status != JobStatus::Complete);
        judge_result(&mut figures, job, &pids);
    }
    judge_artifacts(&mut figures, deployment, &jobs).await;
    judge_ledger(&mut figures, home, deployment, &jobs).await;
    for job in jobs.values().filter(|job| job.losses > 0) {
        let attempts = deployment.client.backend().list_attempts(job.id).await.unwrap();
        judge_waits(&mut figures, job, &attempts, &pids, &blows.blows, plan.lease);
    }
    figures
}

async fn every_job(deployment: &Deployment) -> HashMap<JobId, Job> {
    let mut jobs = HashMap::new();
    let mut query = JobQuery { limit: 1000, ..JobQuery::default() };
    loop {
        let page = deployment.client.backend().list_jobs(query.clone()).await.unwrap();
        jobs.extend(page.items.into_iter().map(|job| (job.id, job)));
        let Some(next) = page.next else { return jobs };
        query.cursor = Some(next);
    }
}

/// The process of each worker.
async fn pids(deployment: &Deployment) -> HashMap<String, u32> {
    let workers = deployment.client.backend().list_workers().await.unwrap();
    workers.into_iter().map(|worker| (worker.id.as_str().to_owned(), worker.pid)).collect()
}

fn made(job: &Job) -> Option<Made> {
    job.result.as_ref().and_then(|result| result.read().ok())
}

/// The result must come from the attempt and the worker that the job's row names.
fn judge_result(figures: &mut Figures, job: &Job, pids: &HashMap<String, u32>) {
    let pid = job.worker_id.as_ref().and_then(|worker| pids.get(worker));
    let result = made(job);
    if !result.as_ref().is_some_and(|made| made.attempt == job.attempts && Some(&made.pid) == pid) {
        figures.stale_finishes_accepted += 1;
        figures.flaw(|| format!("job {job:?} ran in process {pid:?}, and its result says {result:?}"));
    }
}

async fn every_artifact(deployment: &Deployment) -> Vec<Artifact> {
    let mut artifacts = Vec::new();
    let mut query = ArtifactQuery { all_versions: true, limit: 500, ..ArtifactQuery::default() };
    loop {
        let page = deployment.artifacts.list(query.clone()).await.unwrap();
        artifacts.extend(page.items);
        let Some(next) = page.next else { return artifacts };
        query.cursor = Some(next);
    }
}

/// Reads every artifact back and compares it with what its attempt must have made; and every complete job must have
/// what its result says.
async fn judge_artifacts(figures: &mut Figures, deployment: &Deployment, jobs: &HashMap<JobId, Job>) {
    let artifacts = every_artifact(deployment).await;
    figures.artifacts = artifacts.len();
    let mut found = HashSet::new();
    for artifact in artifacts {
        let number: Number = jobs[&artifact.job_id].kwargs.read().unwrap();
        let wanted = tasks::content(number.number, artifact.attempt, &artifact.name);
        match deployment.artifacts.read_all(&artifact, u64::MAX).await {
            Ok(bytes) if bytes == wanted && artifact.status == ArtifactStatus::Available => {
                let digest = artifact.sha256.map(|digest| digest.to_string()).unwrap_or_default();
                found.insert((artifact.job_id, artifact.attempt, artifact.name, digest));
            }
            Ok(bytes) => {
                figures.artifacts_torn += 1;
                figures.flaw(|| format!("{artifact:?} has {} bytes that its job did not make", bytes.len()));
            }
            Err(error) => {
                figures.records_without_bytes += 1;
                figures.flaw(|| format!("{artifact:?} cannot be read: {error}"));
            }
        }
    }
    for job in jobs.values() {
        for (name, digest) in made(job).map(|made| made.artifacts).unwrap_or_default() {
            if !found.contains(&(job.id, job.attempts, name.clone(), digest)) {
                figures.artifacts_lost += 1;
                figures.flaw(|| format!("job {} says it made '{name}', which is not there", job.id));
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct Number {
    number: u64,
}

/// What was acknowledged to workers that died must be there; and each attempt ran at most once.
async fn judge_ledger(
    figures: &mut Figures,
    home: &Home,
    deployment: &Deployment,
    jobs: &HashMap<JobId, Job>,
) {
    let (mut runs, mut acknowledged) = (HashMap::<JobId, Vec<u32>>::new(), HashMap::new());
    for line in home.ledger() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["start", job, attempt] => {
                runs.entry(job.parse().unwrap()).or_default().push(attempt.parse().unwrap());
            }
            ["artifact", id, digest] => {
                acknowledged.insert(id.parse::<ArtifactId>().unwrap(), digest.parse::<Digest>().unwrap());
            }
            _ => panic!("nobody writes such a line: '{line}'"),
        }
    }
    for (job, attempts) in runs {
        let distinct: HashSet<u32> = attempts.iter().copied().collect();
        figures.duplicate_runs += distinct.len() - 1;
        figures.attempts_run_twice += attempts.len() - distinct.len();
        let counted = jobs.get(&job).map_or(0, |job| job.attempts);
        figures.runs_nobody_counts += distinct.iter().filter(|attempt| **attempt > counted).count();
        if attempts.len() != distinct.len() || distinct.iter().any(|attempt| *attempt > counted) {
            figures.flaw(|| format!("job {job} has {counted} attempts; these ran: {attempts:?}"));
        }
    }
    figures.artifacts_acknowledged = acknowledged.len();
    for (id, digest) in acknowledged {
        let found = deployment.artifacts.find(id).await.unwrap();
        if found.and_then(|artifact| artifact.sha256) != Some(digest) {
            figures.artifacts_lost += 1;
            figures.flaw(|| format!("artifact {id} was acknowledged and is not there"));
        }
    }
}

/// Each attempt that was lost must be followed by the next within two leases of the moment its worker was struck. A
/// worker that stands still may hold the database's write lock: that time is nobody's fault.
fn judge_waits(
    figures: &mut Figures,
    job: &Job,
    attempts: &[Attempt],
    pids: &HashMap<String, u32>,
    blows: &[Blow],
    lease: Duration,
) {
    let mut losses = 0;
    for pair in attempts.windows(2) {
        let [lost, next] = pair else { continue };
        if lost.outcome != "lost" {
            continue;
        }
        figures.attempts_lost += 1;
        losses += 1;
        // After so many losses it waited for a person.
        if losses % MAX_LOSSES == 0 {
            continue;
        }
        let pid = lost.worker_id.as_ref().and_then(|worker| pids.get(worker));
        let begun = lost.started_at.map_or(0, upnext_core::Timestamp::as_micros);
        let struck =
            blows.iter().filter(|blow| Some(&blow.pid) == pid && blow.at >= begun).map(|blow| blow.at).min();
        let (Some(struck), Some(next)) = (struck, next.started_at.map(upnext_core::Timestamp::as_micros))
        else {
            figures.stuck += 1;
            figures.flaw(|| format!("job {}: {lost:?} was lost, and nobody struck its worker", job.id));
            continue;
        };
        let stood_still: i64 = blows
            .iter()
            .filter_map(|blow| Some((blow.at.max(struck), blow.until?.min(next))))
            .map(|(from, until)| (until - from).max(0))
            .sum();
        let wait = Duration::from_micros(u64::try_from(next - struck).unwrap_or(0));
        let fair = wait.saturating_sub(Duration::from_micros(stood_still.unsigned_abs()));
        figures.longest_wait = figures.longest_wait.max(wait);
        figures.longest_fair_wait = figures.longest_fair_wait.max(fair);
        if fair > 2 * lease {
            figures.stuck += 1;
            figures.flaw(|| format!("job {} waited {wait:?} for its next attempt, {attempts:#?}", job.id));
        }
    }
}
