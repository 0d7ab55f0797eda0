//! The S3 server of the tests behind a connection on which things go wrong as a plan says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::Body;
use s3s::dto::StreamingBlob;
use s3s::service::S3Service;
use tokio::task::JoinHandle;

use crate::s3_server;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// 500 before anything was done.
    Error,
    /// 503 `SlowDown` before anything was done.
    SlowDown,
    /// The connection closes before anything was done.
    Closed,
    /// It is carried out, and the connection closes instead of the answer.
    AnswerLost,
    /// It is carried out, and 500 is the answer.
    AnswerWrong,
    /// The answer comes late.
    Slow,
    /// The connection closes in the middle of the answer's body.
    CutOff,
}

/// A request as the plan sees it.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) query: String,
}

impl Asked {
    /// True for the end of an upload in parts.
    pub(crate) fn completes(&self) -> bool {
        self.method == Method::POST && self.query.contains("uploadId=")
    }
}

type Plan = dyn FnMut(&Asked) -> Option<Fault> + Send;

/// What goes wrong from now on, and what did so far.
pub(crate) struct Faults {
    plan: Mutex<Box<Plan>>,
    seen: Mutex<Seen>,
}

#[derive(Default, Clone)]
pub(crate) struct Seen {
    /// Requests by their method.
    pub(crate) requests: BTreeMap<String, usize>,
    pub(crate) faults: BTreeMap<Fault, usize>,
}

impl Seen {
    pub(crate) fn all(&self) -> usize {
        self.requests.values().sum()
    }

    pub(crate) fn faulty(&self) -> usize {
        self.faults.values().sum()
    }
}

impl Faults {
    /// From now on things go wrong in this way.
    pub(crate) fn plan(&self, plan: impl FnMut(&Asked) -> Option<Fault> + Send + 'static) {
        *self.plan.lock().expect("no panic holds it") = Box::new(plan);
    }

    /// From now on nothing goes wrong.
    pub(crate) fn heal(&self) {
        self.plan(|_| None);
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().expect("no panic holds it").clone()
    }

    fn next(&self, request: &Request<Incoming>) -> Option<Fault> {
        let mut seen = self.seen.lock().expect("no panic holds it");
        let query = request.uri().query().unwrap_or_default().to_owned();
        let asked = Asked { method: request.method().clone(), query };
        *seen.requests.entry(asked.method.to_string()).or_default() += 1;
        let fault = self.plan.lock().expect("no panic holds it")(&asked)?;
        *seen.faults.entry(fault).or_default() += 1;
        Some(fault)
    }
}

/// A seeded plan: so many of a hundred requests go wrong, in every way.
pub(crate) fn by_chance(percent: u64, seed: u64) -> impl FnMut(&Asked) -> Option<Fault> + Send {
    let mut state = seed;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    move |_| {
        let faults = [
            Fault::Error,
            Fault::SlowDown,
            Fault::Closed,
            Fault::AnswerLost,
            Fault::AnswerWrong,
            Fault::Slow,
            Fault::CutOff,
        ];
        (draw(100) < percent).then(|| faults[usize::try_from(draw(7)).expect("small")])
    }
}

/// Starts the server; every folder in `root` is a bucket. Nothing goes wrong before there is a plan.
pub(crate) async fn start(root: &Path) -> (String, Arc<Faults>, JoinHandle<()>) {
    let service = s3_server::service(root, true);
    let faults = Arc::new(Faults { plan: Mutex::new(Box::new(|_| None)), seen: Mutex::default() });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
    let for_requests = Arc::clone(&faults);
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (service, faults) = (service.clone(), Arc::clone(&for_requests));
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let fault = faults.next(&request);
                    answer(service.clone(), request, fault)
                });
                let _ =
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answer).await;
            });
        }
    });
    (url, faults, server)
}

/// Errors close the connection without an answer.
async fn answer(
    service: S3Service,
    request: Request<Incoming>,
    fault: Option<Fault>,
) -> Result<Response<Body>, std::io::Error> {
    let closed = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    match fault {
        Some(Fault::Error) => return Ok(error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
        Some(Fault::SlowDown) => return Ok(error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown")),
        Some(Fault::Closed) => return Err(closed()),
        _ => {}
    }
    let response = service.call(request.map(Body::from)).await.map_err(|_| closed())?;
    match fault {
        Some(Fault::AnswerLost) => Err(closed()),
        Some(Fault::AnswerWrong) => Ok(error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
        Some(Fault::Slow) => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(response)
        }
        Some(Fault::CutOff) => Ok(cut_off(response).await),
        _ => Ok(response),
    }
}

fn error(status: StatusCode, code: &str) -> Response<Body> {
    let body = format!("<Error><Code>{code}</Code><Message>asked for</Message></Error>");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

/// The head of the answer as it was, and half of its body.
async fn cut_off(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let pieces: Vec<Bytes> = body.filter_map(|piece| async { piece.ok() }).collect().await;
    let whole = pieces.concat();
    if whole.is_empty() {
        return Response::from_parts(parts, Body::empty());
    }
    let half = Bytes::copy_from_slice(&whole[..whole.len() / 2]);
    parts.headers.insert(http::header::CONTENT_LENGTH, whole.len().into());
    let broken = futures::stream::iter([Ok(half), Err(std::io::Error::other("cut off"))]);
    // The half is on its way before the connection closes.
    let broken = broken.then(|piece| async {
        tokio::task::yield_now().await;
        piece
    });
    Response::from_parts(parts, Body::from(StreamingBlob::wrap(Box::pin(broken))))
}
