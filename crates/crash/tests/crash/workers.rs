//! The kill test of workers: some worker processes share one database; each life of each of them ends at a step that was
//! chosen before, until there were kills enough. Then the rest is worked off in peace, and the verdict is given.

use std::collections::BTreeMap;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use upnext_backends::Deployment;
use upnext_core::backend::{JobQuery, Retried};
use upnext_core::client::Submission;
use upnext_core::{Clock as _, JobId, JobStatus, RawJson, SystemClock};

use crate::children::{Fate, Running};
use crate::home::Home;
use crate::verdict;

pub(crate) struct Plan {
    pub(crate) jobs: usize,
    pub(crate) kills: usize,
    pub(crate) workers: usize,
    pub(crate) lease: Duration,
}

/// Where workers are killed, and how often at most a life passes there before.
const POINTS: [(&str, u64); 12] = [
    ("claimed", 3),
    ("running", 12),
    ("blob synced", 3),
    ("blob renamed", 3),
    ("blob written", 3),
    ("artifact recorded", 16),
    ("outcome sending", 4),
    ("outcome before commit", 4),
    ("outcome sent", 4),
    ("committing", 20),
    ("committed", 20),
    // From outside, after so many milliseconds.
    ("any moment", 400),
];

/// One life in so many does not end at its step but stands still there for longer than its leases.
const STANDSTILL: usize = 8;

/// A worker process that was killed or stood still.
pub(crate) struct Blow {
    pub(crate) pid: u32,
    /// In microseconds since 1970, as the backend counts.
    pub(crate) at: i64,
    /// When it went on, if it only stood still.
    pub(crate) until: Option<i64>,
}

/// What was done to the workers.
#[derive(Default)]
pub(crate) struct Blows {
    pub(crate) blows: Vec<Blow>,
    pub(crate) kills: BTreeMap<&'static str, usize>,
    lives: usize,
}

impl Blows {
    pub(crate) fn killed(&self) -> usize {
        self.kills.values().sum()
    }

    pub(crate) fn stood_still(&self) -> usize {
        self.blows.iter().filter(|blow| blow.until.is_some()).count()
    }
}

/// Runs the plan, prints the figures, and panics when they are not what they must be.
pub(crate) fn run(plan: &Plan) {
    let begun = Instant::now();
    let home = Home::new(plan.lease);
    let blows = Mutex::new(Blows::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let deployment = runtime.block_on(home.open());
    let (accepted, retried) = std::thread::scope(|scope| {
        let mut peace = Vec::new();
        for _ in 0..plan.workers {
            let (tell, told) = mpsc::channel::<()>();
            peace.push(tell);
            let (home, blows) = (&home, &blows);
            scope.spawn(move || keep_a_worker(home, plan, blows, &told));
        }
        runtime.block_on(async {
            let accepted = feed(&deployment, plan, &blows).await;
            (accepted, work_off(&deployment, &home).await)
        })
        // Dropping `peace` ends the workers' last lives.
    });
    let blows = blows.into_inner().unwrap();
    let figures = runtime.block_on(verdict::of(&home, &deployment, plan, &blows, &accepted));
    println!(
        "{} jobs, {} workers, leases of {:?}, {:.1?}",
        accepted.len(),
        plan.workers,
        plan.lease,
        begun.elapsed()
    );
    println!("kills                            {:>8}  {:?}", blows.killed(), blows.kills);
    println!("retried by hand after 3 losses   {retried:>8}");
    println!("{figures}");
    figures.assert_clean();
    for (point, _) in POINTS {
        assert!(
            blows.kills.contains_key(point),
            "no worker was killed at '{point}': is the step still there?"
        );
    }
}

/// One worker process after the other, until there were kills enough; the last one lives in peace until it is told.
fn keep_a_worker(home: &Home, plan: &Plan, blows: &Mutex<Blows>, told: &mpsc::Receiver<()>) {
    loop {
        let life = {
            let mut blows = blows.lock().unwrap();
            if blows.killed() >= plan.kills {
                break;
            }
            blows.lives += 1;
            blows.lives
        };
        live_and_die(home, plan, blows, life);
    }
    let worker = Running::start(home, "worker", None);
    // The sender is never used: this returns when it is dropped.
    let _ = told.recv();
    worker.dismiss();
}

fn live_and_die(home: &Home, plan: &Plan, blows: &Mutex<Blows>, life: usize) {
    let (point, most) = POINTS[life % POINTS.len()];
    let stands_still = life.is_multiple_of(STANDSTILL);
    let count = fastrand::u64(1..=most);
    let fault = match point {
        _ if stands_still => Some(format!("stop@outcome sending:{}", fastrand::u64(1..4))),
        "any moment" => None,
        point => Some(format!("kill@{point}:{count}")),
    };
    let mut worker = Running::start(home, "worker", fault.as_deref());
    let pid = worker.pid();
    if fault.is_none() {
        std::thread::sleep(Duration::from_millis(100 + count));
        worker.signal(Signal::KILL);
    }
    let fate = worker.wait();
    let at = SystemClock.now().as_micros();
    let mut point = point;
    let mut until = None;
    match fate {
        Fate::Killed => {}
        Fate::Stopped => {
            std::thread::sleep(plan.lease * 8 / 5);
            until = Some(SystemClock.now().as_micros());
            worker.signal(Signal::CONT);
            // Long enough to send the outcomes that nobody wants any more.
            std::thread::sleep(Duration::from_millis(300));
            worker.signal(Signal::KILL);
            assert_eq!(worker.wait(), Fate::Killed);
            point = "after a standstill";
        }
        Fate::Ended(code) => {
            panic!("a worker ended by itself with {code}, fault {fault:?}:\n{}", home.words_of_children())
        }
    }
    let mut blows = blows.lock().unwrap();
    blows.blows.push(Blow { pid, at, until });
    if until.is_some() {
        blows.blows.push(Blow { pid, at: SystemClock.now().as_micros(), until: None });
    }
    *blows.kills.entry(point).or_default() += 1;
}

/// Submits all jobs of the plan, only so many at a time that the last kill still meets workers that have something to do.
/// Answers what was acknowledged.
async fn feed(deployment: &Deployment, plan: &Plan, blows: &Mutex<Blows>) -> Vec<JobId> {
    let mut accepted = Vec::new();
    let per_kill = plan.jobs.div_ceil(plan.kills);
    loop {
        let kills = blows.lock().unwrap().killed();
        let due = if kills >= plan.kills { plan.jobs } else { plan.jobs.min((kills + 2) * per_kill) };
        let wanted = if accepted.len() < due {
            (due - accepted.len()).min(500)
        } else if kills >= plan.kills {
            return accepted;
        } else if count(deployment, &[JobStatus::Queued]).await == 0 {
            20
        } else {
            0
        };
        let submissions = (accepted.len()..accepted.len() + wanted)
            .map(|number| Submission::new("make", RawJson::trusted(format!("{{\"number\":{number}}}"))));
        let answers = deployment.client.submit_many(submissions.collect()).await.expect("jobs are accepted");
        accepted.extend(answers.iter().map(|answer| answer.id));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn count(deployment: &Deployment, statuses: &[JobStatus]) -> u64 {
    let query = JobQuery { statuses: statuses.to_vec(), limit: 1, ..JobQuery::default() };
    deployment.client.backend().list_jobs(query).await.expect("jobs can be listed").total
}

/// Waits until every job is complete. Those that lost three workers, and so failed for good, are retried by hand as a
/// person would; answers how many there were.
async fn work_off(deployment: &Deployment, home: &Home) -> usize {
    let unfinished = [JobStatus::Pending, JobStatus::Queued, JobStatus::Active, JobStatus::Retrying];
    let (mut left, mut since, mut retried) = (u64::MAX, Instant::now(), 0);
    loop {
        let failed = JobQuery { statuses: vec![JobStatus::Failed], limit: 1000, ..JobQuery::default() };
        let failed = deployment.client.backend().list_jobs(failed).await.unwrap().items;
        let now_left = count(deployment, &unfinished).await + failed.len() as u64;
        if now_left == 0 {
            return retried;
        }
        if now_left != left {
            (left, since) = (now_left, Instant::now());
        }
        for job in failed {
            let error = job.error.as_deref().unwrap_or_default();
            assert!(error.contains("the worker disappeared 3 times"), "job {} failed: {error}", job.id);
            assert_eq!(deployment.client.retry(job.id).await.unwrap(), Retried::Queued);
            retried += 1;
        }
        if since.elapsed() > Duration::from_secs(20) {
            let stuck = JobQuery { statuses: unfinished.to_vec(), limit: 5, ..JobQuery::default() };
            let stuck = deployment.client.backend().list_jobs(stuck).await.unwrap();
            let words = home.words_of_children();
            panic!("{} jobs are stuck: {:?}; the workers said:\n{words}", stuck.total, stuck.items);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
