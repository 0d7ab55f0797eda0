//! The primary dies, and a standby that confirmed every commit takes over.

use std::time::{Duration, Instant};

use upnext_testkit::servers;

use crate::load::{Load, open};

async fn ask(url: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let driver = tokio::spawn(connection);
    let rows = client.query(sql, &[]).await?;
    driver.abort();
    Ok(rows.iter().map(|row| row.get::<_, String>(0)).collect())
}

async fn until(url: &str, sql: &str, wanted: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while ask(url, sql).await.ok().is_none_or(|found| found != [wanted]) {
        assert!(Instant::now() < deadline, "{sql} never answers {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn survive(progress: u64) {
    let mut primary = servers::postgres::private(&[]);
    let standby = tokio::task::block_in_place(|| servers::postgres::replica(&primary, "standby"));
    // From here on a commit that waits for the disk waits for the standby, too.
    ask(primary.url(), "ALTER SYSTEM SET synchronous_standby_names = 'standby'").await.expect("it is set");
    ask(primary.url(), "SELECT pg_reload_conf()::text").await.expect("it is read");
    until(primary.url(), "SELECT sync_state FROM pg_stat_replication", "sync").await;

    let (host, rest) = primary.url().split_once(&format!(":{}", primary.port())).expect("a port");
    let url = format!(
        "{host}:{},127.0.0.1:{}{rest}{}target_session_attrs=read-write",
        primary.port(),
        standby.port(),
        if rest.contains('?') { '&' } else { '?' }
    );
    let backends = [open(&url).await, open(&url).await];
    let load = Load::start(&backends, 4);
    load.progress(progress).await;
    primary.kill();
    let down = Instant::now();
    ask(standby.url(), "SELECT pg_promote()::text").await.expect("the standby should be promoted");
    let promoted = Instant::now();
    load.progress(1).await;
    let (back, whole) = (promoted.elapsed(), down.elapsed());
    assert!(back < Duration::from_secs(5), "work went on only {back:?} after the standby took over");
    load.progress(progress).await;
    let promises = load.stop().await;
    let (jobs, ends, artifacts) = promises.verify(&*backends[0]).await;
    println!(
        "a standby took over: {jobs} jobs, {ends} ends and {artifacts} artifacts acknowledged, none lost; {} calls failed \
         meanwhile; back at work {back:?} after the promotion, {whole:?} after the crash",
        promises.failures()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_and_nothing_is_lost() {
    survive(30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_standby_takes_over_after_long_load() {
    survive(3000).await;
}
