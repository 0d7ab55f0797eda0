//! Reporting what an HTTP API answers: requests are put aside at once and told to the backend each second, with the sign
//! of life that keeps the API listed.
//!
//! Whoever answers requests never waits for this: what cannot be kept is counted and dropped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use upnext_core::api::{API_HEARTBEAT_SECONDS, ApiRegistration, ApiReport, NewRequest};
use upnext_core::{Backend, VERSION, WorkerId};

use crate::worker::hostname;

/// How often requests are told to the backend.
const PERIOD: Duration = Duration::from_secs(1);

/// Most requests that are put aside while the backend is away.
const MOST_KEPT: usize = 10_000;

/// How long the last report may take.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// What is to be told.
#[derive(Debug, Default)]
struct Untold {
    requests: Vec<NewRequest>,
    dropped: u64,
}

impl Untold {
    fn put(&mut self, request: NewRequest) {
        if self.requests.len() < MOST_KEPT {
            self.requests.push(request);
        } else {
            self.dropped += 1;
        }
    }

    /// Takes back what could not be told. The oldest go when it is too much.
    fn take_back(&mut self, mut report: ApiReport) {
        report.requests.append(&mut self.requests);
        let surplus = report.requests.len().saturating_sub(MOST_KEPT);
        report.requests.drain(..surplus);
        self.requests = report.requests;
        self.dropped += report.dropped + surplus as u64;
    }
}

/// Reports for one instance of an API. Dropping it does not stop it; [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct ApiReporter {
    untold: Arc<Mutex<Untold>>,
    stop: watch::Sender<bool>,
    done: watch::Receiver<bool>,
}

impl ApiReporter {
    /// Reports at once that the API called `name` is there and listens on this address, and from then on what it answers.
    #[must_use]
    pub fn start(runtime: &Handle, backend: Arc<dyn Backend>, name: &str, host: &str, port: u16) -> Self {
        let instance = ApiRegistration {
            id: WorkerId::fresh(name).to_string(),
            api: name.to_owned(),
            hostname: hostname(),
            pid: std::process::id(),
            host: host.to_owned(),
            port,
            version: VERSION.to_owned(),
        };
        let untold = Arc::default();
        let (stop, stop_asked) = watch::channel(false);
        let (stopped, done) = watch::channel(false);
        let telling = Telling { instance, backend, untold: Arc::clone(&untold), last: None };
        runtime.spawn(async move {
            telling.until_stopped(stop_asked).await;
            stopped.send_replace(true);
        });
        Self { untold, stop, done }
    }

    /// Puts a request aside, to be told soon.
    pub fn record(&self, request: NewRequest) {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner).put(request);
    }

    /// Tells what is left, and that the API stops. Returns when that is done, or has taken too long.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut done = self.done.clone();
        let _ = done.wait_for(|done| *done).await;
    }
}

struct Telling {
    instance: ApiRegistration,
    backend: Arc<dyn Backend>,
    untold: Arc<Mutex<Untold>>,
    /// When the last report arrived.
    last: Option<Instant>,
}

impl Telling {
    async fn until_stopped(mut self, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.tell(false).await,
                // Whoever could ask has gone: nothing comes any more, and nobody said that the API stops.
                asked = async { stop.wait_for(|stop| *stop).await.is_ok() } => {
                    let told = tokio::time::timeout(LAST_PATIENCE, self.tell(asked)).await;
                    if told.is_err() {
                        tracing::warn!(api = self.instance.api, "the last requests of the API were not recorded in time");
                    }
                    return;
                }
            }
        }
    }

    async fn tell(&mut self, stopped: bool) {
        let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        let silent =
            self.last.is_none_or(|last| last.elapsed() >= Duration::from_secs(API_HEARTBEAT_SECONDS));
        if untold.requests.is_empty() && untold.dropped == 0 && !silent && !stopped {
            return;
        }
        let report = ApiReport {
            instance: self.instance.clone(),
            requests: untold.requests,
            dropped: untold.dropped,
            stopped,
        };
        match self.backend.record_requests(report.clone()).await {
            Ok(()) => self.last = Some(Instant::now()),
            Err(error) => {
                tracing::warn!(api = self.instance.api, %error, "requests are not recorded yet");
                self.untold.lock().unwrap_or_else(PoisonError::into_inner).take_back(report);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]
mod tests {
    use upnext_core::Timestamp;

    use super::*;

    fn request(status: u16) -> NewRequest {
        NewRequest::new(Timestamp::from_micros(0), "GET", Some("/"), status, Duration::ZERO, None)
    }

    fn report(requests: Vec<NewRequest>, dropped: u64) -> ApiReport {
        let text = String::new;
        let instance = ApiRegistration {
            id: text(),
            api: text(),
            hostname: text(),
            pid: 1,
            host: text(),
            port: 1,
            version: text(),
        };
        ApiReport { instance, requests, dropped, stopped: false }
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let mut untold = Untold::default();
        for _ in 0..MOST_KEPT + 3 {
            untold.put(request(200));
        }
        assert_eq!((untold.requests.len(), untold.dropped), (MOST_KEPT, 3));
    }

    #[test]
    fn what_could_not_be_told_is_told_later_oldest_first() {
        let mut untold = Untold::default();
        untold.put(request(201));
        untold.take_back(report(vec![request(200)], 4));
        let statuses: Vec<u16> = untold.requests.iter().map(|request| request.status).collect();
        assert_eq!((statuses, untold.dropped), (vec![200, 201], 4));
        untold.take_back(report(vec![request(404); MOST_KEPT], 0));
        assert_eq!((untold.requests.len(), untold.dropped), (MOST_KEPT, 6));
        assert_eq!(untold.requests.last().unwrap().status, 201, "the newest went instead of the oldest");
    }
}
