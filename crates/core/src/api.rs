//! HTTP APIs: the processes that serve them, the requests they answered, and figures about these by hour and route.
//!
//! What must be the same in every backend is decided here: how requests become figures, and which of them stay listed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::insight::Hour;
use crate::job::word_enum;

/// Seconds between two reports of an API that nobody asks anything.
pub const API_HEARTBEAT_SECONDS: u64 = 5;

/// An API is alive if it was heard of within this time.
pub const API_ALIVE: Duration = Duration::from_secs(3 * API_HEARTBEAT_SECONDS);

/// Instances that nothing was heard of for this long are forgotten.
pub const API_LISTED: Duration = Duration::from_secs(24 * 3600);

/// Of each API and each class of statuses this many requests stay listed, the newest: so that many good answers do not
/// push the few bad ones out.
pub const REQUESTS_KEPT: usize = 1000;

/// Figures and requests that are older than this many hours are forgotten.
pub const TRAFFIC_HOURS_KEPT: u32 = 168;

/// Stands for every request that no route of the application matched.
pub const NO_ROUTE: &str = "(no route)";

/// Methods that are told apart; every other one is `OTHER`, since callers can make up as many as they like.
const METHODS: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"];

/// Most characters of a route and of the name of an error.
const LONGEST_TEXT: usize = 300;

/// Upper ends of the classes of durations, in microseconds: ten to each power of ten, from 0.1 ms to 100 s. One more
/// class holds what took longer.
const LIMITS: [u64; 60] = limits();

/// Classes of durations.
const BUCKETS: usize = LIMITS.len() + 1;

const fn limits() -> [u64; 60] {
    // Percent of a power of ten, in nearly equal steps.
    const STEPS: [u64; 10] = [125, 160, 200, 250, 320, 400, 500, 630, 800, 1000];
    let mut limits = [0; 60];
    let mut place = 0;
    let mut power = 1;
    while place < limits.len() {
        limits[place] = STEPS[place % STEPS.len()] * power;
        if place % STEPS.len() == STEPS.len() - 1 {
            power *= 10;
        }
        place += 1;
    }
    limits
}

word_enum! {
    /// What the first digit of an HTTP status says.
    #[derive(PartialOrd, Ord)]
    StatusClass, "status class" {
        /// Nothing final.
        Informational = "1xx",
        /// It worked.
        Success = "2xx",
        /// It is elsewhere, or unchanged.
        Redirection = "3xx",
        /// The caller did something wrong.
        ClientError = "4xx",
        /// The API did something wrong.
        ServerError = "5xx",
    }
}

impl StatusClass {
    /// The class of a status. What is no status of HTTP counts as the API's mistake.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            100..200 => Self::Informational,
            200..300 => Self::Success,
            300..400 => Self::Redirection,
            400..500 => Self::ClientError,
            _ => Self::ServerError,
        }
    }

    /// Its place in [`StatusClass::ALL`].
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }
}

/// What an API process says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiRegistration {
    /// This process and API; no other ever has the same.
    pub id: String,
    /// The API's name, shared by all of its instances.
    pub api: String,
    /// The machine it runs on.
    pub hostname: String,
    /// Its process id there.
    pub pid: u32,
    /// The address it listens on.
    pub host: String,
    /// The port it listens on.
    pub port: u16,
    /// The version of UpNext in it.
    pub version: String,
}

/// What an API process reports: that it lives, and what it answered since its last report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiReport {
    /// Who.
    pub instance: ApiRegistration,
    /// What was answered, in the order of the answers.
    pub requests: Vec<NewRequest>,
    /// Requests since the last report about which nothing is known, because there were too many at once.
    pub dropped: u64,
    /// This is the last report: the process stops in good order.
    pub stopped: bool,
}

/// An instance of an API as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiInstance {
    /// What it said of itself last.
    pub registration: ApiRegistration,
    /// When it first reported.
    pub started_at: Timestamp,
    /// When it last reported.
    pub last_heartbeat_at: Timestamp,
    /// When it said goodbye; `None` while it runs or if it vanished.
    pub stopped_at: Option<Timestamp>,
    /// True when it was heard of within [`API_ALIVE`] and has not stopped.
    pub alive: bool,
    /// Requests about which nothing is known, because there were too many at once.
    pub dropped: u64,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRequest {
    /// When it came.
    pub at: Timestamp,
    /// `GET` and the like, or `OTHER`.
    pub method: String,
    /// The route that matched, as the application wrote it (`/orders/{id}`), or [`NO_ROUTE`]; never the path itself.
    pub route: String,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took.
    pub duration: Duration,
    /// The type of the error that ended it, if one did.
    pub error: Option<String>,
}

impl NewRequest {
    /// A request in the form in which it is kept: methods that nobody knows are `OTHER`, texts have a bounded length.
    ///
    /// ```
    /// use std::time::Duration;
    /// use upnext_core::{Timestamp, api::{NO_ROUTE, NewRequest}};
    /// let at = Timestamp::from_micros(0);
    /// let request = NewRequest::new(at, "BREW", None, 418, Duration::from_millis(2), None);
    /// assert_eq!((request.method.as_str(), request.route.as_str()), ("OTHER", NO_ROUTE));
    /// ```
    #[must_use]
    pub fn new(
        at: Timestamp,
        method: &str,
        route: Option<&str>,
        status: u16,
        duration: Duration,
        error: Option<&str>,
    ) -> Self {
        let known = METHODS.iter().find(|known| known.eq_ignore_ascii_case(method));
        Self {
            at,
            method: (*known.unwrap_or(&"OTHER")).to_owned(),
            route: route.map_or_else(|| NO_ROUTE.to_owned(), shortened),
            status,
            duration,
            error: error.map(shortened),
        }
    }

    /// The class of its status.
    #[must_use]
    pub const fn class(&self) -> StatusClass {
        StatusClass::of(self.status)
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

/// A request as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiRequest {
    /// Its place in the order in which requests of all APIs were recorded; later ones have higher numbers.
    pub sequence: i64,
    /// The API's name.
    pub api: String,
    /// The id of the instance that answered.
    pub instance: String,
    /// What happened.
    pub request: NewRequest,
}

/// Which requests to list, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RequestQuery {
    /// Only those of this API.
    pub api: Option<String>,
    /// Only those with this method.
    pub method: Option<String>,
    /// Only those of this route.
    pub route: Option<String>,
    /// Only those with a status of this class.
    pub class: Option<StatusClass>,
    /// Only those recorded after this sequence number.
    pub after: i64,
    /// Only those recorded before this sequence number.
    pub before: Option<i64>,
    /// At most this many.
    pub limit: usize,
}

impl RequestQuery {
    /// Whether a request is one of those that were asked for, the limit aside. For backends that look through requests.
    #[must_use]
    pub fn admits(&self, request: &ApiRequest) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        same(&self.api, &request.api)
            && same(&self.method, &request.request.method)
            && same(&self.route, &request.request.route)
            && self.class.is_none_or(|class| class == request.request.class())
            && request.sequence > self.after
            && self.before.is_none_or(|before| request.sequence < before)
    }
}

/// Which figures to give.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TrafficQuery {
    /// Of this many hours, the present one being the last.
    pub hours: u32,
    /// Only of this API.
    pub api: Option<String>,
}

/// Figures about requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ApiTraffic {
    /// One for each API, hour, route and method of which there was any request, in no particular order.
    pub hours: Vec<RouteHour>,
    /// The moment of the answer, by the backend's clock.
    pub now: Timestamp,
}

/// What was asked of one route with one method in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteHour {
    /// The API's name.
    pub api: String,
    /// The hour.
    pub hour: Hour,
    /// The route.
    pub route: String,
    /// The method.
    pub method: String,
    /// How often, how it went, how long it took.
    pub traffic: Traffic,
}

/// How many requests there were, how they ended and how long they took.
///
/// Durations are counted in classes, each a quarter wider than the one before: so medians and the like can be added up
/// over hours and routes, and are off by an eighth at most.
///
/// ```
/// use std::time::Duration;
/// use upnext_core::{Timestamp, api::{NewRequest, StatusClass, Traffic}};
/// let mut traffic = Traffic::default();
/// for n in 1..=100 {
///     let status = if n > 98 { 500 } else { 200 };
///     let at = Timestamp::from_micros(0);
///     traffic.count(&NewRequest::new(at, "GET", Some("/"), status, Duration::from_millis(n), None));
/// }
/// assert_eq!((traffic.requests(), traffic.of_class(StatusClass::ServerError)), (100, 2));
/// let median = traffic.quantile_ms(0.5).unwrap();
/// assert!((45.0..56.0).contains(&median), "{median}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    classes: [u64; StatusClass::ALL.len()],
    duration_micros: u64,
    #[serde(with = "crate::wire::counts")]
    durations: [u64; BUCKETS],
}

impl Default for Traffic {
    fn default() -> Self {
        Self { classes: [0; StatusClass::ALL.len()], duration_micros: 0, durations: [0; BUCKETS] }
    }
}

impl Traffic {
    /// How many numbers it consists of.
    pub const COUNTERS: usize = StatusClass::ALL.len() + 1 + BUCKETS;

    /// Counts one request.
    pub fn count(&mut self, request: &NewRequest) {
        let micros = u64::try_from(request.duration.as_micros()).unwrap_or(u64::MAX);
        self.classes[request.class().place()] += 1;
        self.duration_micros = self.duration_micros.saturating_add(micros);
        self.durations[LIMITS.partition_point(|limit| *limit < micros)] += 1;
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        let mut counters = self.counters();
        for (counter, more) in counters.iter_mut().zip(other.counters()) {
            *counter = counter.saturating_add(more);
        }
        *self = Self::from_counters(&counters);
    }

    /// All of its numbers. Those of two figures, added one by one, are those of both together: this is how backends keep
    /// and add them.
    #[must_use]
    pub fn counters(&self) -> [u64; Self::COUNTERS] {
        let mut counters = [0; Self::COUNTERS];
        let all = self.classes.iter().chain([&self.duration_micros]).chain(&self.durations);
        for (counter, value) in counters.iter_mut().zip(all) {
            *counter = *value;
        }
        counters
    }

    /// The figures with these numbers; those that are missing are zero.
    #[must_use]
    pub fn from_counters(counters: &[u64]) -> Self {
        let mut traffic = Self::default();
        let all =
            traffic.classes.iter_mut().chain([&mut traffic.duration_micros]).chain(&mut traffic.durations);
        for (value, counter) in all.zip(counters) {
            *value = *counter;
        }
        traffic
    }

    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Those with a status of this class.
    #[must_use]
    pub const fn of_class(&self, class: StatusClass) -> u64 {
        self.classes[class.place()]
    }

    /// Mean duration in milliseconds; `None` when there was no request.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        let requests = self.requests();
        (requests > 0).then(|| self.duration_micros as f64 / requests as f64 / 1000.0)
    }

    /// The duration in milliseconds that this part (0 to 1) of the requests did not exceed; `None` when there was none.
    #[must_use]
    pub fn quantile_ms(&self, part: f64) -> Option<f64> {
        let all: u64 = self.durations.iter().sum();
        let rank = (part.clamp(0.0, 1.0) * all as f64).ceil().max(1.0);
        let mut before = 0.0;
        for (place, &count) in self.durations.iter().enumerate() {
            let count = count as f64;
            if count > 0.0 && before + count >= rank {
                let low = if place == 0 { 0.0 } else { LIMITS[place - 1] as f64 };
                // What took longer than the last limit has no upper end of its own.
                let high = LIMITS.get(place).map_or(low * 1.25, |limit| *limit as f64);
                return Some((low + (high - low) * (rank - before) / count) / 1000.0);
            }
            before += count;
        }
        None
    }
}

/// The figures of these requests, by hour, route and method.
#[must_use]
pub fn tally(requests: &[NewRequest]) -> BTreeMap<(Hour, &str, &str), Traffic> {
    let mut figures: BTreeMap<_, Traffic> = BTreeMap::new();
    for request in requests {
        let key = (Hour::of(request.at), request.route.as_str(), request.method.as_str());
        figures.entry(key).or_default().count(request);
    }
    figures
}

/// Those of one API's requests that can stay listed: of each class of statuses the last [`REQUESTS_KEPT`], in their order.
pub fn listed(requests: &[NewRequest]) -> impl Iterator<Item = &NewRequest> {
    let mut left = [0; StatusClass::ALL.len()];
    for request in requests {
        left[request.class().place()] += 1;
    }
    requests.iter().filter(move |request| {
        let left = &mut left[request.class().place()];
        *left -= 1;
        *left < REQUESTS_KEPT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(status: u16, millis: u64) -> NewRequest {
        let at = Timestamp::from_micros(0);
        NewRequest::new(at, "get", Some("/a/{b}"), status, Duration::from_millis(millis), None)
    }

    #[test]
    fn limits_grow_by_about_a_quarter() {
        assert_eq!((LIMITS[0], LIMITS[9], LIMITS[10], LIMITS[59]), (125, 1000, 1250, 100_000_000));
        for pair in LIMITS.windows(2) {
            let step = pair[1] as f64 / pair[0] as f64;
            assert!((1.24..1.29).contains(&step), "{pair:?}");
        }
    }

    #[test]
    fn figures_add_up_through_their_counters() {
        let (mut one, mut other, mut both) = (Traffic::default(), Traffic::default(), Traffic::default());
        for (place, (status, millis)) in
            [(200, 1), (404, 20), (503, 400), (301, 0), (700, 200_000)].into_iter().enumerate()
        {
            let side = if place % 2 == 0 { &mut one } else { &mut other };
            side.count(&request(status, millis));
            both.count(&request(status, millis));
        }
        one.add(&Traffic::from_counters(&other.counters()));
        assert_eq!(one, both);
        assert_eq!((both.requests(), both.of_class(StatusClass::ServerError)), (5, 2));
        assert!(both.quantile_ms(1.0).is_some_and(|longest| longest >= 100_000.0));
    }

    #[test]
    fn quantiles_are_off_by_an_eighth_at_most() {
        let mut traffic = Traffic::default();
        assert_eq!((traffic.quantile_ms(0.5), traffic.mean_ms()), (None, None));
        for millis in 1..=1000 {
            traffic.count(&request(200, millis));
        }
        for (part, exact) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = traffic.quantile_ms(part).unwrap();
            assert!((found - exact).abs() <= exact / 8.0, "{part}: {found} instead of {exact}");
        }
    }

    #[test]
    fn good_answers_do_not_push_bad_ones_out() {
        let mut requests = vec![request(500, 1)];
        requests.extend((0..REQUESTS_KEPT as u64 + 5).map(|n| request(200, n)));
        let left: Vec<_> = listed(&requests).collect();
        assert_eq!(left.len(), REQUESTS_KEPT + 1);
        assert_eq!((left[0].status, left[1].duration), (500, Duration::from_millis(5)));
    }

    #[test]
    fn what_callers_make_up_stays_bounded() {
        let at = Timestamp::from_micros(0);
        let long = "x".repeat(LONGEST_TEXT + 1);
        let request = NewRequest::new(at, &long, Some(&long), 200, Duration::ZERO, Some(&long));
        assert_eq!((request.method.as_str(), request.route.len()), ("OTHER", LONGEST_TEXT));
        assert_eq!(request.error.map(|error| error.len()), Some(LONGEST_TEXT));
    }
}
