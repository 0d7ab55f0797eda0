//! The worker's loop: one task that owns all of its state and waits for whatever happens next.
//!
//! Calls to the backend run beside it, at most one claim, one finish and one renewal at a time: what comes together
//! while one is under way goes into the next. The loop itself never waits for any of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use upnext_core::backend::{Claim, ClaimRequest, Finish, Finished, RenewRequest, Renewal};
use upnext_core::job::{Lease, MAX_PAYLOAD_BYTES};
use upnext_core::worker::HEARTBEAT_SECONDS;
use upnext_core::{
    BackendError, ClaimedJob, Client, Clock, Outcome, SystemClock, Timestamp, WorkerId, fault,
};

use crate::executor::{Assignment, AttemptKey, Ended, Executor, Reporter, StopReason};
use crate::job_lines;
use crate::memory;
use crate::pace::Pace;
use crate::worker::WorkerConfig;

/// How often a worker asks for work although nothing woke it.
const SAFETY_POLL: Duration = Duration::from_secs(1);

/// A wake-up may mean that a job was cancelled, which a renewal tells; but not more often than this.
const CANCEL_CHECK_GAP: Duration = Duration::from_millis(200);

/// Waits after calls that failed: the first, and the longest.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Leases taken back from vanished workers in one step.
const RECLAIM_BATCH: usize = 1000;

/// How long attempts may take to stop once a stopping worker has lost its patience.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// Answers of calls to the backend, on their way back into the loop.
enum Answer {
    Claimed { outcome: Result<Claim, BackendError>, asked: usize, took: Duration },
    Finished { outcome: Result<Vec<Finished>, BackendError>, finishes: Vec<Finish> },
    Renewed { outcome: Result<Vec<Renewal>, BackendError>, leases: Vec<Lease> },
    Reclaimed { outcome: Result<usize, BackendError> },
}

/// An attempt in the executor's hands.
struct Running {
    job: ClaimedJob,
    /// When it was handed over: all that is known of its beginning if it never reports.
    assigned_at: Timestamp,
    stopping: Option<StopReason>,
}

/// How the worker stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Working,
    /// No new jobs; running attempts may end until this moment.
    Draining(Instant),
    /// They were told to stop and may do so until this moment.
    Stopping(Instant),
}

pub(crate) struct Run {
    id: WorkerId,
    client: Client,
    config: WorkerConfig,
    functions: Arc<[String]>,
    executor: Arc<dyn Executor>,
    reporter: Reporter,
    ended: mpsc::UnboundedReceiver<Ended>,
    answers: mpsc::UnboundedReceiver<Answer>,
    answer: mpsc::UnboundedSender<Answer>,
    stop_requests: mpsc::UnboundedReceiver<Instant>,
    work: watch::Receiver<u64>,
    phase: Phase,
    next_key: u64,
    running: HashMap<AttemptKey, Running>,
    deadlines: BinaryHeap<Reverse<(Instant, AttemptKey)>>,
    /// Claimed, waiting for a slot.
    inbox: VecDeque<ClaimedJob>,
    /// Ended, waiting for a finish.
    outbox: Vec<Finish>,
    claiming: bool,
    finishing: bool,
    renewing: bool,
    /// Leases whose outcome is on its way: still renewed, so that a slow backend does not lose them.
    sending: Vec<Lease>,
    pace: Pace,
    next_claim: Instant,
    next_renewal: Instant,
    last_renewal: Instant,
    next_reclaim: Instant,
    claim_backoff: Backoff,
    finish_backoff: Backoff,
    /// Leases on their way back to the queue.
    releases: JoinSet<()>,
    /// Makes the runs of cron functions.
    schedules: JoinSet<()>,
}

impl Run {
    pub(crate) fn new(
        id: WorkerId,
        client: Client,
        config: WorkerConfig,
        executor: Arc<dyn Executor>,
        stop_requests: mpsc::UnboundedReceiver<Instant>,
        schedules: JoinSet<()>,
    ) -> Self {
        let (report, ended) = mpsc::unbounded_channel();
        let (answer, answers) = mpsc::unbounded_channel();
        let now = Instant::now();
        Self {
            id,
            functions: config.functions.iter().map(|function| function.key.clone()).collect(),
            work: client.backend().signals().subscribe_work(),
            client,
            config,
            executor,
            reporter: Reporter { ended: report },
            ended,
            answers,
            answer,
            stop_requests,
            phase: Phase::Working,
            next_key: 0,
            running: HashMap::new(),
            deadlines: BinaryHeap::new(),
            inbox: VecDeque::new(),
            outbox: Vec::new(),
            claiming: false,
            finishing: false,
            renewing: false,
            sending: Vec::new(),
            pace: Pace::new(now),
            next_claim: now,
            next_renewal: now,
            last_renewal: now,
            next_reclaim: now,
            claim_backoff: Backoff::default(),
            finish_backoff: Backoff::default(),
            releases: JoinSet::new(),
            schedules,
        }
    }

    pub(crate) async fn until_stopped(mut self) {
        tracing::debug!(worker = %self.id, concurrency = self.config.concurrency, "worker started");
        while !self.has_stopped() {
            self.take_next_steps();
            let wake_at = self.next_moment();
            tokio::select! {
                biased;
                Some(until) = self.stop_requests.recv() => self.begin_to_stop(until),
                Some(answer) = self.answers.recv() => self.take_answer(answer),
                Some(ended) = self.ended.recv() => self.take_ended(ended),
                Ok(()) = self.work.changed() => self.wake_up(),
                () = sleep_until(wake_at) => {}
            }
        }
        self.say_goodbye().await;
    }

    fn has_stopped(&self) -> bool {
        let idle = self.running.is_empty() && self.outbox.is_empty() && !self.finishing && !self.claiming;
        match self.phase {
            Phase::Working => false,
            Phase::Draining(_) => idle,
            Phase::Stopping(until) => idle || Instant::now() >= until,
        }
    }

    /// Everything that is due, in the order that keeps slots busy.
    fn take_next_steps(&mut self) {
        let now = Instant::now();
        while let Ok(ended) = self.ended.try_recv() {
            self.take_ended(ended);
        }
        self.fill_slots(now);
        self.send_outcomes(now);
        self.ask_for_work(now);
        self.enforce_deadlines(now);
        self.renew_leases(now);
        self.reclaim_expired(now);
        if let Phase::Draining(until) = self.phase
            && now >= until
        {
            self.stop_running(now);
        }
    }

    fn next_moment(&self) -> Instant {
        let mut next = self.next_renewal.min(self.next_reclaim);
        if !self.claiming && self.wanted() > 0 {
            next = next.min(self.next_claim);
        }
        if !self.finishing && !self.outbox.is_empty() {
            next = next.min(self.finish_backoff.until.unwrap_or(next));
        }
        if let Some(Reverse((deadline, _))) = self.deadlines.peek() {
            next = next.min(*deadline);
        }
        match self.phase {
            Phase::Working => next,
            Phase::Draining(until) | Phase::Stopping(until) => next.min(until),
        }
    }

    // Claiming.

    fn wake_up(&mut self) {
        let now = Instant::now();
        // A backend that failed a moment ago is left alone until its backoff is over.
        self.next_claim = self.claim_backoff.until.unwrap_or(now);
        if !self.running.is_empty() {
            self.next_renewal = self.next_renewal.min(self.last_renewal + CANCEL_CHECK_GAP);
        }
    }

    /// How many jobs there is room for: free slots and the stock, less what is here already.
    fn wanted(&self) -> usize {
        if self.phase != Phase::Working || self.outbox.len() >= self.config.outbox_size {
            return 0;
        }
        let stock = self.pace.stock(self.config.inbox_size);
        let held = self.running.len() + self.inbox.len();
        let wanted = (self.config.concurrency + stock).saturating_sub(held);
        // With a stock to live on, claim when half of it is used up instead of job by job.
        let free = self.config.concurrency.saturating_sub(held);
        if free == 0 && wanted < stock.div_ceil(2) { 0 } else { wanted.min(self.config.batch_size) }
    }

    fn ask_for_work(&mut self, now: Instant) {
        let wanted = self.wanted();
        if self.claiming || wanted == 0 || now < self.next_claim {
            return;
        }
        self.claiming = true;
        let request = ClaimRequest {
            worker: self.id.clone(),
            functions: Arc::clone(&self.functions),
            limit: wanted,
            lease: self.config.lease,
            suspect: !self.holds_suspect(),
        };
        let backend = Arc::clone(self.client.backend());
        self.call(async move {
            let begun = Instant::now();
            let outcome = backend.claim(request).await;
            Answer::Claimed { outcome, asked: wanted, took: begun.elapsed() }
        });
        // Wake-ups from here on are about jobs that this claim may have missed.
        self.work.mark_unchanged();
        self.next_claim = now + SAFETY_POLL;
    }

    fn holds_suspect(&self) -> bool {
        let running = self.running.values().any(|running| running.job.suspect);
        running || self.inbox.iter().any(|job| job.suspect)
    }

    fn claimed(&mut self, outcome: Result<Claim, BackendError>, asked: usize, took: Duration) {
        self.claiming = false;
        let now = Instant::now();
        match outcome {
            Ok(claim) => {
                fault::point("claimed");
                if let Some(failures) = self.claim_backoff.succeeded() {
                    tracing::info!(failures, "the job database works again: the worker goes on");
                }
                self.pace.claim_took(took, now);
                if claim.jobs.len() >= asked {
                    self.next_claim = now;
                } else if let Some(due) = claim.next_due {
                    let wait = due.since(claim.now).max(Duration::from_millis(1));
                    self.next_claim = self.next_claim.min(now + wait);
                }
                claim.jobs.into_iter().for_each(|job| self.take_claimed(job));
                if self.phase != Phase::Working {
                    self.release_inbox();
                }
            }
            Err(error) => {
                let wait = self.claim_backoff.failed(now);
                tracing::warn!(
                    "{error}; the worker takes no new jobs until this is over, and looks again in {wait:?}"
                );
                self.next_claim = now + wait;
            }
        }
    }

    /// A job that shares the result of another is done with; any other waits for a slot.
    fn take_claimed(&mut self, mut job: ClaimedJob) {
        match job.cached.take() {
            Some(result) => self.outbox.push(Finish {
                lease: job.lease,
                started_at: SystemClock.now(),
                outcome: Outcome::Complete { result },
            }),
            None => self.inbox.push_back(job),
        }
    }

    fn fill_slots(&mut self, now: Instant) {
        let free = self.config.concurrency.saturating_sub(self.running.len());
        if self.phase != Phase::Working || free == 0 || self.inbox.is_empty() {
            return;
        }
        let jobs: Vec<ClaimedJob> = self.inbox.drain(..free.min(self.inbox.len())).collect();
        let assignments = jobs.into_iter().map(|job| self.assign(job, now)).collect();
        self.executor.start(assignments);
    }

    fn assign(&mut self, job: ClaimedJob, now: Instant) -> Assignment {
        job_lines::begun(&job);
        self.next_key += 1;
        let key = AttemptKey(self.next_key);
        self.deadlines.push(Reverse((now + job.timeout.min(Duration::from_secs(10 * 365 * 86_400)), key)));
        self.running
            .insert(key, Running { job: job.clone(), assigned_at: SystemClock.now(), stopping: None });
        Assignment { key, job, reporter: self.reporter.clone() }
    }

    // Ending.

    fn take_ended(&mut self, ended: Ended) {
        // Unknown keys are attempts that were given up before.
        let Some(running) = self.running.remove(&ended.key) else { return };
        self.pace.attempt_ended();
        if running.job.suspect {
            // The next of its kind may have waited for this.
            self.next_claim = Instant::now();
        }
        let outcome = match running.stopping {
            None => bounded(&running.job.function, ended.outcome),
            Some(StopReason::Timeout) => Outcome::TimedOut,
            Some(StopReason::Cancelled) => Outcome::Cancelled,
            // Its lease is gone or about to be given back: there is nothing to say any more.
            Some(StopReason::LeaseLost) => return,
            Some(StopReason::Shutdown) => {
                job_lines::given_back(&running.job);
                return self.release(vec![running.job.lease]);
            }
        };
        job_lines::ended(&running.job, ended.started_at, &outcome);
        self.outbox.push(Finish { lease: running.job.lease, started_at: ended.started_at, outcome });
        // Entries of ended attempts would pile up behind long timeouts.
        if self.deadlines.len() > 64 && self.deadlines.len() > 4 * self.running.len() {
            let running = &self.running;
            self.deadlines.retain(|Reverse((_, key))| running.contains_key(key));
        }
    }

    fn send_outcomes(&mut self, now: Instant) {
        if self.finishing
            || self.outbox.is_empty()
            || self.finish_backoff.until.is_some_and(|until| now < until)
        {
            return;
        }
        self.finishing = true;
        let count = self.outbox.len().min(self.config.outbox_size);
        let finishes: Vec<Finish> = self.outbox.drain(..count).collect();
        self.sending = finishes.iter().map(|finish| finish.lease).collect();
        let backend = Arc::clone(self.client.backend());
        self.call(async move {
            fault::point("outcome sending");
            let outcome = backend.finish(finishes.clone()).await;
            fault::point("outcome sent");
            Answer::Finished { outcome, finishes }
        });
    }

    fn finished(&mut self, outcome: Result<Vec<Finished>, BackendError>, mut finishes: Vec<Finish>) {
        self.finishing = false;
        self.sending.clear();
        match outcome {
            Ok(results) => {
                self.finish_backoff.succeeded();
                for (finish, result) in finishes.iter().zip(results) {
                    if result == Finished::Stale {
                        tracing::warn!(job = %finish.lease.job_id, "the outcome came after the lease had run out and was refused");
                    }
                }
            }
            Err(error) => {
                // Outcomes are kept until the backend takes them; if that is too late, it refuses them one by one.
                let wait = self.finish_backoff.failed(Instant::now());
                tracing::warn!(
                    count = finishes.len(),
                    "{error}; outcomes are kept and sent again in {wait:?}"
                );
                finishes.append(&mut self.outbox);
                self.outbox = finishes;
            }
        }
    }

    // Stopping single attempts.

    fn enforce_deadlines(&mut self, now: Instant) {
        while let Some(Reverse((deadline, key))) = self.deadlines.peek().copied() {
            if deadline > now {
                return;
            }
            self.deadlines.pop();
            match self.running.get(&key).map(|running| running.stopping) {
                None => {}
                Some(None) => self.stop_attempt(key, StopReason::Timeout, now),
                Some(Some(reason)) => self.give_up(key, reason),
            }
        }
    }

    fn stop_attempt(&mut self, key: AttemptKey, reason: StopReason, now: Instant) {
        let Some(running) = self.running.get_mut(&key).filter(|running| running.stopping.is_none()) else {
            return;
        };
        running.stopping = Some(reason);
        self.deadlines.push(Reverse((now + self.config.stop_grace, key)));
        self.executor.stop(key, reason);
    }

    /// The attempt was told to stop and did not: its job and its slot go on without it.
    fn give_up(&mut self, key: AttemptKey, reason: StopReason) {
        let Some(running) = self.running.get(&key) else { return };
        tracing::warn!(
            function = running.job.function,
            "an attempt does not stop although it was told to ({reason:?}); its slot is given to another job"
        );
        let started_at = running.assigned_at;
        self.take_ended(Ended { key, started_at, outcome: Outcome::TimedOut });
    }

    // Leases.

    fn renew_leases(&mut self, now: Instant) {
        if self.renewing || now < self.next_renewal {
            return;
        }
        self.renewing = true;
        self.last_renewal = now;
        self.next_renewal = now + (self.config.lease / 3).min(Duration::from_secs(HEARTBEAT_SECONDS));
        let leases: Vec<Lease> = (self.running.values().map(|running| running.job.lease))
            .chain(self.inbox.iter().map(|job| job.lease))
            .chain(self.outbox.iter().map(|finish| finish.lease))
            .chain(self.sending.iter().copied())
            .collect();
        let request = RenewRequest {
            worker: self.id.clone(),
            leases: leases.clone(),
            lease: self.config.lease,
            memory_bytes: memory::resident_bytes(),
        };
        let backend = Arc::clone(self.client.backend());
        self.call(async move {
            let outcome = backend.renew(request).await;
            Answer::Renewed { outcome, leases }
        });
    }

    fn renewed(&mut self, outcome: Result<Vec<Renewal>, BackendError>, leases: &[Lease]) {
        self.renewing = false;
        let renewals = match outcome {
            Ok(renewals) => renewals,
            Err(error) => {
                tracing::warn!(%error, "cannot renew leases");
                self.next_renewal = self.next_renewal.min(Instant::now() + self.config.lease / 10);
                return;
            }
        };
        let now = Instant::now();
        for (lease, renewal) in leases.iter().zip(renewals) {
            let reason = match renewal {
                Renewal::Held(_) => continue,
                Renewal::CancelRequested => StopReason::Cancelled,
                Renewal::Lost => StopReason::LeaseLost,
            };
            self.inbox.retain(|job| job.lease != *lease);
            let key =
                self.running.iter().find(|(_, running)| running.job.lease == *lease).map(|(key, _)| *key);
            match key {
                Some(key) => self.stop_attempt(key, reason, now),
                // It waited in the inbox: nothing has to stop, but somebody has to say that it is cancelled.
                None if reason == StopReason::Cancelled && !self.holds_outcome(lease) => {
                    self.outbox.push(Finish {
                        lease: *lease,
                        started_at: SystemClock.now(),
                        outcome: Outcome::Cancelled,
                    });
                }
                None => {}
            }
        }
    }

    fn holds_outcome(&self, lease: &Lease) -> bool {
        self.sending.contains(lease) || self.outbox.iter().any(|finish| finish.lease == *lease)
    }

    fn reclaim_expired(&mut self, now: Instant) {
        if now < self.next_reclaim {
            return;
        }
        let interval = (self.config.lease / 4).clamp(Duration::from_millis(50), Duration::from_secs(5));
        self.next_reclaim = now + interval;
        let backend = Arc::clone(self.client.backend());
        self.call(async move { Answer::Reclaimed { outcome: backend.reclaim_expired(RECLAIM_BATCH).await } });
    }

    // Stopping the worker.

    fn begin_to_stop(&mut self, until: Instant) {
        self.phase = match self.phase {
            Phase::Working => Phase::Draining(until),
            Phase::Draining(earlier) => Phase::Draining(until.min(earlier)),
            stopping @ Phase::Stopping(_) => stopping,
        };
        // A worker that takes no more jobs makes none either.
        self.schedules.abort_all();
        self.release_inbox();
    }

    fn stop_running(&mut self, now: Instant) {
        self.phase = Phase::Stopping(now + LAST_GRACE.min(self.config.stop_grace));
        let keys: Vec<AttemptKey> = self.running.keys().copied().collect();
        for key in keys {
            self.stop_attempt(key, StopReason::Shutdown, now);
        }
    }

    fn release_inbox(&mut self) {
        let leases = self.inbox.drain(..).map(|job| job.lease).collect();
        self.release(leases);
    }

    fn release(&mut self, leases: Vec<Lease>) {
        if leases.is_empty() {
            return;
        }
        let backend = Arc::clone(self.client.backend());
        self.releases.spawn(async move {
            if let Err(error) = backend.release(leases).await {
                tracing::warn!(%error, "cannot give leases back; their jobs run again when the leases run out");
            }
        });
    }

    async fn say_goodbye(mut self) {
        let unfinished = self.running.drain().map(|(_, running)| running.job);
        let unfinished = unfinished.inspect(job_lines::given_back).map(|job| job.lease).collect();
        self.release(unfinished);
        while self.releases.join_next().await.is_some() {}
        if let Err(error) = self.client.backend().deregister_worker(self.id.clone()).await {
            tracing::warn!(%error, "cannot say goodbye; others will notice the silence");
        }
        tracing::debug!(worker = %self.id, "worker stopped");
    }

    // Calls to the backend.

    fn call(&self, call: impl Future<Output = Answer> + Send + 'static) {
        let answer = self.answer.clone();
        tokio::spawn(async move {
            // A closed channel means that the worker has stopped.
            let _ = answer.send(call.await);
        });
    }

    fn take_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Claimed { outcome, asked, took } => self.claimed(outcome, asked, took),
            Answer::Finished { outcome, finishes } => self.finished(outcome, finishes),
            Answer::Renewed { outcome, leases } => self.renewed(outcome, &leases),
            Answer::Reclaimed { outcome: Ok(0) } => {}
            Answer::Reclaimed { outcome: Ok(count) } => {
                tracing::info!(count, "took back jobs of vanished workers");
            }
            Answer::Reclaimed { outcome: Err(error) } => {
                tracing::debug!(%error, "cannot look for expired leases");
            }
        }
    }
}

/// An outcome whose result is too large for a job becomes a failure that says what to do.
fn bounded(function: &str, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Complete { result } if result.as_str().len() > MAX_PAYLOAD_BYTES => Outcome::Failed {
            error: format!(
                "the result of '{function}' is {} bytes of JSON; a job keeps at most {MAX_PAYLOAD_BYTES}: \
                 put the data into an artifact and return its name",
                result.as_str().len()
            ),
            traceback: None,
            retryable: false,
        },
        other => other,
    }
}

/// Growing waits after failures.
#[derive(Debug, Default)]
struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// Answers how many calls had failed, if any had.
    fn succeeded(&mut self) -> Option<u32> {
        let failures = std::mem::take(self).failures;
        (failures > 0).then_some(failures)
    }

    fn failed(&mut self, now: Instant) -> Duration {
        let wait = FIRST_BACKOFF.saturating_mul(1 << self.failures.min(10)).min(LONGEST_BACKOFF);
        self.failures += 1;
        self.until = Some(now + wait);
        wait
    }
}
