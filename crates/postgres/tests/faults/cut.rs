//! Connections break in the middle of verbs, before the server hears of a step and after it has done it.

use upnext_core::backend::{Cancelled, Finished, JobQuery};
use upnext_core::{Backend, JobStatus, NewArtifact};
use upnext_testkit::Steps as _;
use upnext_testkit::factories::{finish_ok, new_artifact, new_job};
use upnext_testkit::servers;

use crate::load::open;
use crate::proxy::{Cut, Proxy};

/// Calls again until the backend answers; an error has to be one after which calling again makes sense.
macro_rules! until_answered {
    ($call:expr) => {{
        let mut failures = 0;
        loop {
            match $call.await {
                Ok(answer) => break (answer, failures),
                Err(error) => assert!(error.retryable(), "{error}"),
            }
            failures += 1;
            assert!(failures < 100, "it never works again");
        }
    }};
}

/// One life of a job with a cut at one place of it. Answers whether the cut came, and how many calls failed.
async fn live(backend: &dyn Backend, proxy: &Proxy, cut: Cut, after: i64) -> (bool, u32) {
    proxy.arm(cut, after);
    let job = new_job("f");
    let (made, mut failures) = until_answered!(backend.enqueue(vec![job.clone()]));
    assert_eq!(made[0].id, job.id, "another job was answered");
    // A claim whose answer is lost leaves a lease that nobody has; so cuts come before and after it.
    let was_cut = proxy.disarm();
    let claimed = backend.take_one("f").await;
    assert_eq!(claimed.lease.job_id, job.id, "another job was in the queue: a submission was made twice");
    if !was_cut {
        proxy.arm(cut, after);
    }
    let artifact =
        NewArtifact { lease: Some(claimed.lease.token), ..new_artifact(job.id, "out", job.id.as_bytes()) };
    let (recorded, failed) = until_answered!(backend.record_artifacts(vec![artifact.clone()]));
    failures += failed;
    assert_eq!(recorded[0].as_ref().map(|artifact| artifact.version), Ok(1), "it was recorded twice");
    let (finished, failed) = until_answered!(backend.finish(vec![finish_ok(&claimed)]));
    failures += failed;
    assert_eq!(
        finished,
        [Finished::Applied(JobStatus::Complete)],
        "an end whose answer was lost was refused"
    );
    let (cancelled, failed) = until_answered!(backend.cancel(job.id));
    failures += failed;
    assert_eq!(cancelled, Cancelled::TooLate(JobStatus::Complete));
    let was_cut = proxy.disarm() || was_cut;
    assert_eq!(backend.status(job.id).await, JobStatus::Complete, "the end was lost");
    assert_eq!(backend.attempts(job.id).await.len(), 1, "the attempt was counted twice");
    (was_cut, failures)
}

async fn survive(url_of: impl Fn(u16) -> String, port: u16, most: i64) {
    let proxy = Proxy::before(port).await;
    let backend = open(&url_of(proxy.port)).await;
    let (mut lives, mut cuts, mut failures) = (0_u64, 0, 0);
    for after in 0..most {
        for cut in [Cut::Request, Cut::Answer] {
            let (was_cut, failed) = live(&*backend, &proxy, cut, after).await;
            lives += 1;
            cuts += u32::from(was_cut);
            failures += failed;
        }
    }
    let total =
        backend.list_jobs(JobQuery { limit: 1, ..JobQuery::default() }).await.expect("it works").total;
    assert_eq!(total, lives, "there are more or fewer jobs than were submitted");
    let artifacts = backend.artifact_totals().await.expect("it works").versions;
    assert_eq!(artifacts, lives, "there are more or fewer artifacts than were recorded");
    assert!(cuts > 0, "no connection was cut");
    println!(
        "{lives} lives of jobs, {cuts} cut connections: each job once, {failures} calls had to be made again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_may_break_anywhere() {
    let server = servers::postgres::private(&[]);
    let url = server.url().to_owned();
    let port = format!(":{}/", server.port());
    // Nobody listens through this connection, so that only verbs count.
    let url_of = |proxy: u16| {
        let url = url.replace(&port, &format!(":{proxy}/"));
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}pgbouncer=true&pool_size=2")
    };
    survive(url_of, server.port(), 24).await;
}
