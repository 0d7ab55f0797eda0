//! Random walks: arbitrary verbs through two handles, compared step by step with a small model of what must be true.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use upnext_core::backend::{ArtifactQuery, ArtifactSort, Finished, JobQuery, Renewal, Retried};
use upnext_core::transition;
use upnext_core::{Backend, ClaimedJob, Clock, Job, JobId, JobStatus, NewJob, Outcome, Timestamp};

use crate::factories::{
    claim_request, fatal, leased_artifact, new_artifact, new_job, ok, registration, renew_request,
    retrying_job, worker_id,
};
use crate::model::Known;
use crate::{Fixture, Harness, Steps};

const FUNCTIONS: [&str; 2] = ["f", "g"];
const STEPS_EACH: usize = 200;

/// Whatever is done in whatever order, jobs go only along the arrows of the state diagram, every answer is the one that
/// the rules foresee, and no acknowledged job or artifact is lost; also when the clock is set back. `TESTKIT_WALK_SEED`
/// replays one walk, `TESTKIT_WALKS` takes so many more with seeds of their own.
pub async fn no_walk_leaves_the_rules(harness: &dyn Harness) {
    let given = std::env::var("TESTKIT_WALK_SEED").ok().and_then(|seed| seed.parse().ok());
    let more = std::env::var("TESTKIT_WALKS").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
    let some = || (1..=6).chain((0..more).map(|_| fastrand::u64(..))).collect();
    let seeds: Vec<u64> = given.map_or_else(some, |seed| vec![seed]);
    for seed in seeds {
        let fixture = harness.open().await;
        let handles = [fixture.backend.clone(), harness.reopen(&fixture).await];
        // Only functions that somebody offers can be paused.
        fixture.backend.register(registration(&worker_id(), "tester", &FUNCTIONS)).await;
        let latest = fixture.now();
        let mut walk = Walk {
            fixture,
            latest,
            paused: Vec::new(),
            artifacts: 0,
            handles,
            random: Rng::with_seed(seed),
            seed,
            jobs: Vec::new(),
            stale: Vec::new(),
        };
        for _ in 0..STEPS_EACH {
            walk.step().await;
        }
        walk.finish_everything().await;
    }
}

struct Walk {
    fixture: Fixture,
    handles: [Arc<dyn Backend>; 2],
    /// The latest moment that there was.
    latest: Timestamp,
    paused: Vec<&'static str>,
    artifacts: u32,
    random: Rng,
    seed: u64,
    jobs: Vec<Known>,
    stale: Vec<ClaimedJob>,
}

impl Walk {
    fn handle(&mut self) -> Arc<dyn Backend> {
        self.handles[self.random.usize(0..2)].clone()
    }

    fn any(&mut self, wanted: impl Fn(&Known) -> bool) -> Option<usize> {
        let places: Vec<usize> = (0..self.jobs.len()).filter(|n| wanted(&self.jobs[*n])).collect();
        (!places.is_empty()).then(|| places[self.random.usize(0..places.len())])
    }

    async fn step(&mut self) {
        match self.random.u32(0..24) {
            0..5 => self.enqueue().await,
            5..9 => self.claim().await,
            9..13 => self.finish().await,
            13 => self.release().await,
            14 => self.renew().await,
            15 => self.cancel().await,
            16 => self.retry().await,
            17 => self.finish_stale().await,
            18 => self.pause().await,
            19 | 20 => self.record().await,
            21 => self.set_clock_back(),
            _ => {
                let time = Duration::from_micros(self.random.u64(1..20_000_000));
                self.pass(time).await;
            }
        }
        self.compare().await;
    }

    async fn enqueue(&mut self) {
        let function = FUNCTIONS[self.random.usize(0..2)];
        let key = (self.random.u32(0..3) == 0).then(|| format!("key {}", self.random.u32(0..4)));
        let delay = (self.random.u32(0..4) == 0).then(|| Duration::from_millis(self.random.u64(1..40_000)));
        let now = self.fixture.now();
        let new = NewJob {
            idempotency_key: key.clone(),
            priority: self.random.i32(-1..=1),
            scheduled_at: delay.map(|delay| now.after(delay)),
            ..retrying_job(function, self.random.u32(0..3))
        };
        let holder = self.jobs.iter().find(|known| known.holds_key_of(&new));
        let wanted = holder.map_or((new.id, true), |known| (known.new.id, false));
        let answers = self.handle().enqueue(vec![new.clone()]).await.expect("enqueue should not fail");
        assert_eq!(
            (answers[0].id, answers[0].created),
            wanted,
            "wrong answer to enqueue, seed {}",
            self.seed
        );
        if wanted.1 {
            self.jobs.push(Known::accepted(new, now));
        }
    }

    async fn claim(&mut self) {
        let offered = match self.random.u32(0..3) {
            0 => &FUNCTIONS[..1],
            1 => &FUNCTIONS[1..],
            _ => &FUNCTIONS[..],
        };
        let limit = self.random.usize(0..5);
        let now = self.fixture.now();
        let urgency = |known: &Known| (-i64::from(known.new.priority), known.due);
        let mut wanted: Vec<_> = self
            .jobs
            .iter()
            .filter(|known| known.waits_at(now) && offered.contains(&known.new.function.as_str()))
            .filter(|known| !self.paused.contains(&known.new.function.as_str()))
            .map(urgency)
            .collect();
        wanted.sort();
        wanted.truncate(limit);
        let claim = self.handle().claim(claim_request(offered, limit)).await.expect("claim should not fail");
        let mut given = Vec::new();
        for claimed in claim.jobs {
            let known = self.jobs.iter_mut().find(|known| known.new.id == claimed.lease.job_id);
            let known = known.expect("the claim gave a job that was never enqueued");
            assert!(known.waits_at(now), "the claim gave {known:?}, which does not wait, seed {}", self.seed);
            given.push(urgency(known));
            known.status = JobStatus::Active;
            known.attempts += 1;
            assert_eq!(claimed.attempt, known.attempts, "wrong number of the attempt, seed {}", self.seed);
            known.lease = Some(claimed);
        }
        assert_eq!(given, wanted, "the claim did not give the most urgent jobs in order, seed {}", self.seed);
    }

    fn random_outcome(&mut self) -> Outcome {
        match self.random.u32(0..8) {
            0..3 => ok(),
            3..6 => Outcome::failed("no"),
            6 => Outcome::TimedOut,
            _ if self.random.bool() => fatal("never"),
            _ => Outcome::Cancelled,
        }
    }

    async fn finish(&mut self) {
        let Some(place) = self.any(|known| known.lease.is_some()) else { return };
        let outcome = self.random_outcome();
        let handle = self.handle();
        let now = self.fixture.now();
        let known = &mut self.jobs[place];
        let lease = known.lease.clone().expect("it was chosen for its lease");
        let wanted = transition::after_outcome(&known.facts(), &outcome, now, 0.0);
        let answer = handle.end(&lease, outcome).await;
        assert_eq!(answer, Finished::Applied(wanted.status), "wrong answer to finish, seed {}", self.seed);
        known.apply(&wanted);
        self.stale.push(lease);
    }

    async fn finish_stale(&mut self) {
        if self.stale.is_empty() {
            return;
        }
        let lease = self.stale[self.random.usize(0..self.stale.len())].clone();
        let outcome = self.random_outcome();
        let handle = self.handle();
        assert_eq!(
            handle.end(&lease, outcome).await,
            Finished::Stale,
            "a stale lease counted, seed {}",
            self.seed
        );
        let renewed = handle.renew(renew_request(vec![lease.lease])).await.expect("renew should not fail");
        assert_eq!(renewed, [Renewal::Lost], "a stale lease was renewed, seed {}", self.seed);
        handle.release(vec![lease.lease]).await.expect("release should not fail");
        let refused = handle.record(leased_artifact(lease.lease, "stale", b"stale")).await;
        assert!(refused.is_err(), "an artifact was recorded under a stale lease, seed {}", self.seed);
    }

    async fn pause(&mut self) {
        let function = FUNCTIONS[self.random.usize(0..2)];
        let pause = !self.paused.contains(&function);
        assert!(
            self.handle().set_paused(function, pause).await.expect("set_paused should not fail"),
            "'{function}' is registered, yet it cannot be paused, seed {}",
            self.seed
        );
        self.paused.retain(|paused| *paused != function);
        self.paused.extend(pause.then_some(function));
    }

    /// A running attempt makes an artifact, or somebody makes one for a job from outside.
    async fn record(&mut self) {
        let running = self.random.bool();
        let Some(place) = self.any(|known| !running || known.lease.is_some()) else { return };
        self.artifacts += 1;
        let name = format!("artifact {}", self.artifacts);
        let handle = self.handle();
        let known = &mut self.jobs[place];
        let artifact = match known.lease.as_ref().filter(|_| running) {
            Some(claimed) => leased_artifact(claimed.lease, &name, name.as_bytes()),
            None => new_artifact(known.new.id, &name, name.as_bytes()),
        };
        handle.record_ok(artifact).await;
        known.artifacts.push(name);
    }

    /// Leases that are out last longer by this; whatever waits for a moment waits longer.
    fn set_clock_back(&mut self) {
        let step = Duration::from_micros(self.random.u64(1..40_000_000));
        self.fixture.clock.set(self.fixture.now().before(step));
    }

    async fn release(&mut self) {
        let Some(place) = self.any(|known| known.lease.is_some() && !known.cancel_requested) else { return };
        let handle = self.handle();
        let known = &mut self.jobs[place];
        let lease = known.lease.take().expect("it was chosen for its lease");
        handle.release(vec![lease.lease]).await.expect("release should not fail");
        known.status = JobStatus::Queued;
        known.attempts -= 1;
        self.stale.push(lease);
    }

    async fn renew(&mut self) {
        let Some(place) = self.any(|known| known.lease.is_some()) else { return };
        let handle = self.handle();
        let until = self.fixture.in_seconds(30);
        let known = &mut self.jobs[place];
        let wanted = if known.cancel_requested { Renewal::CancelRequested } else { Renewal::Held(until) };
        let lease = known.lease.as_mut().expect("it was chosen for its lease");
        let answers = handle.renew(renew_request(vec![lease.lease])).await.expect("renew should not fail");
        assert_eq!(answers, [wanted], "wrong answer to renew, seed {}", self.seed);
        lease.lease_expires_at = until;
    }

    async fn cancel(&mut self) {
        let Some(place) = self.any(|_| true) else { return };
        let answer = self.handle().cancel(self.jobs[place].new.id).await.expect("cancel should not fail");
        let wanted = self.jobs[place].cancel();
        assert_eq!(answer, wanted, "wrong answer to cancel, seed {}", self.seed);
    }

    async fn retry(&mut self) {
        let Some(place) = self.any(|known| known.status == JobStatus::Failed).or_else(|| self.any(|_| true))
        else {
            return;
        };
        let new = &self.jobs[place].new;
        let taken = self.jobs.iter().any(|other| other.holds_key_of(new));
        if taken {
            // What becomes of two jobs with one key is left to the backend; a case of its own looks at it.
            return;
        }
        let answer = self.handle().retry(self.jobs[place].new.id).await.expect("retry should not fail");
        let known = &mut self.jobs[place];
        if known.status != JobStatus::Failed {
            assert_eq!(answer, Retried::NotFailed(known.status), "wrong answer to retry, seed {}", self.seed);
            return;
        }
        assert_eq!(answer, Retried::Queued, "wrong answer to retry, seed {}", self.seed);
        known.retry();
    }

    async fn pass(&mut self, time: Duration) {
        self.fixture.clock.advance(time);
        let now = self.fixture.clock.now();
        self.latest = self.latest.max(now);
        let mut expired = 0;
        for known in &mut self.jobs {
            let Some(lease) = known.expire(now) else { continue };
            self.stale.push(lease);
            expired += 1;
        }
        let count = self.handle().reclaim_all().await;
        assert_eq!(count, expired, "the number of leases that ran out is wrong, seed {}", self.seed);
    }

    /// Every job that was acknowledged is there, as the model foresees it.
    async fn compare(&mut self) {
        let ids: Vec<JobId> = self.jobs.iter().map(|known| known.new.id).collect();
        let found: Vec<Job> = self.handle().find_jobs(ids).await.expect("find_jobs should not fail");
        assert_eq!(found.len(), self.jobs.len(), "an acknowledged job was lost, seed {}", self.seed);
        let (seed, now, latest) = (self.seed, self.fixture.now(), self.latest);
        for job in found {
            let known = self.jobs.iter_mut().find(|known| known.new.id == job.id);
            known.expect("a job is found that was not asked for").compare(&job, now, latest, seed);
        }
    }

    /// Lets every job run to its end: none may be stuck, none may be missing.
    async fn finish_everything(&mut self) {
        let backend = self.fixture.backend.clone();
        for function in FUNCTIONS {
            backend.set_paused(function, false).await.expect("set_paused should not fail");
        }
        self.pass(Duration::from_secs(3600)).await;
        for _ in 0..20 {
            self.fixture.advance(3600);
            let claim =
                backend.claim(claim_request(&FUNCTIONS, 10_000)).await.expect("claim should not fail");
            for claimed in claim.jobs {
                backend.end_applied(&claimed, ok()).await;
            }
        }
        let all = backend.list_jobs(JobQuery { limit: 10_000, ..JobQuery::default() }).await;
        let all = all.expect("list_jobs should not fail").items;
        assert_eq!(all.len(), self.jobs.len(), "jobs were lost or made up, seed {}", self.seed);
        let stuck: Vec<&Job> = all.iter().filter(|job| !job.status.is_final()).collect();
        assert!(
            stuck.is_empty(),
            "jobs are stuck although somebody claims all of them: {stuck:?}, seed {}",
            self.seed
        );
        for job in &all {
            let attempts = backend.attempts(job.id).await;
            let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
            assert_eq!(
                numbers,
                (1..=job.attempts).collect::<Vec<_>>(),
                "the history has gaps, seed {}",
                self.seed
            );
            assert!(
                attempts.iter().all(|attempt| attempt.ended_at.is_some()),
                "an ended job has a running attempt"
            );
            let known = self.jobs.iter().find(|known| known.new.id == job.id).expect("it was enqueued");
            let query = ArtifactQuery {
                job_id: Some(job.id),
                sort: ArtifactSort::Oldest,
                ..ArtifactQuery::default()
            };
            let mut names = backend.names(query).await;
            names.sort();
            let mut wanted = known.artifacts.clone();
            wanted.sort();
            assert_eq!(names, wanted, "a job has other artifacts than were recorded, seed {}", self.seed);
            let lost = attempts.iter().filter(|attempt| attempt.outcome == "lost").count();
            assert!(lost <= known.losses as usize, "more attempts are called lost than were: {job:?}");
        }
        let other = backend.submit(new_job("h")).await;
        assert_eq!(
            backend.status(other).await,
            JobStatus::Queued,
            "after the walk the backend takes no more jobs"
        );
    }
}
