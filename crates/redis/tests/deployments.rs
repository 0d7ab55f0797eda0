//! Every form of deployment on real servers: Sentinels with a failover, a cluster of three, users with passwords, TLS.
#![allow(clippy::print_stdout, reason = "they print their figures")]

mod workload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use tokio::net::{TcpListener, TcpStream};
use upnext_core::JobStatus;
use upnext_redis::RedisOptions;
use upnext_testkit::factories::{new_artifact, new_job, ok};
use upnext_testkit::servers::{Private, valkey};
use upnext_testkit::{Steps, fixture};

use crate::workload::{Load, PATIENCE, RECOVERY, attach, lost, open, until_it_works};

async fn connect(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("the URL is good");
    client.get_multiplexed_async_connection().await.expect("the server should answer")
}

async fn ask(connection: &mut MultiplexedConnection, command: &str) -> redis::RedisResult<redis::Value> {
    let mut words = command.split(' ');
    let mut built = redis::cmd(words.next().unwrap_or_default());
    for word in words {
        built.arg(word);
    }
    built.query_async(connection).await
}

async fn text(connection: &mut MultiplexedConnection, command: &str) -> String {
    let value = ask(connection, command).await.expect("the server should answer");
    redis::from_redis_value(value).expect("the answer is a text")
}

/// Waits until the server's answer to a command holds a text.
async fn until(connection: &mut MultiplexedConnection, command: &str, part: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !text(connection, command).await.contains(part) {
        assert!(Instant::now() < deadline, "{command} never answers {part}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// When the primary dies, Sentinels make the replica the primary, and callers and workers find it by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_of_sentinels_is_followed() {
    let mut primary = valkey::private(&[]);
    let replica = valkey::private(&[&format!("replicaof=127.0.0.1 {}", primary.port())]);
    let sentinel = valkey::private(&[
        "sentinel=yes",
        &format!("sentinel monitor main=127.0.0.1 {} 1", primary.port()),
        "sentinel down-after-milliseconds main=500",
        "sentinel failover-timeout main=2000",
    ]);
    let mut watching = connect(sentinel.url()).await;
    until(&mut watching, "INFO sentinel", "slaves=1").await;
    until(&mut connect(replica.url()).await, "INFO replication", "master_link_status:up").await;

    let url = format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/main", sentinel.port());
    let (backend, workspace) = open(&url).await;
    let before = backend.submit_all((0..50).map(|_| new_job("before")).collect()).await;
    let mut writing = connect(primary.url()).await;
    // Whatever was written up to here is on the replica, too.
    let copied = ask(&mut writing, "WAIT 1 10000").await.expect("WAIT should answer");
    assert_eq!(copied, redis::Value::Int(1), "the replica does not follow");
    let load = Load::start(&url, &workspace, 2, 2).await;
    load.gets_on().await;
    primary.kill();
    let killed = Instant::now();
    until(&mut watching, "INFO sentinel", &format!("address=127.0.0.1:{}", replica.port())).await;
    let promoted = killed.elapsed();
    let recovered = load.gets_on().await;
    println!("failover: a new primary after {promoted:?}, everybody on it {recovered:?} later");
    assert!(recovered < RECOVERY, "it took {recovered:?} after there was a new primary");
    load.stop().await;
    let found = until_it_works(async || backend.find_jobs(before.clone()).await).await;
    assert_eq!(found.len(), before.len(), "jobs that the replica had are lost");
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a port should be free");
    probe.local_addr().expect("a bound port has an address").port()
}

/// Three nodes that share all slots.
struct Cluster {
    nodes: Vec<Private>,
}

impl Cluster {
    async fn start() -> Self {
        // The usual port of the nodes' own talk, 10,000 above the other, is not always one.
        let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let start = |port: &u16| {
            let port = format!("cluster-port={port}");
            let usual =
                ["cluster-enabled=yes", "appendonly=yes", "appendfsync=always", "cluster-node-timeout=2000"];
            valkey::private(&[&usual[..], &[port.as_str()]].concat())
        };
        let nodes: Vec<Private> = ports.iter().map(start).collect();
        for (node, range) in nodes.iter().zip(["0 5461", "5462 10922", "10923 16383"]) {
            let mut connection = connect(node.url()).await;
            ask(&mut connection, &format!("CLUSTER ADDSLOTSRANGE {range}")).await.expect("slots are free");
            let meet = format!("CLUSTER MEET 127.0.0.1 {} {}", nodes[0].port(), ports[0]);
            ask(&mut connection, &meet).await.expect("nodes should meet");
        }
        for node in &nodes {
            let mut connection = connect(node.url()).await;
            until(&mut connection, "CLUSTER INFO", "cluster_state:ok").await;
            until(&mut connection, "CLUSTER INFO", "cluster_known_nodes:3").await;
        }
        Self { nodes }
    }

    fn url(&self, known: &[usize]) -> String {
        let known: Vec<String> =
            known.iter().map(|place| format!("127.0.0.1:{}", self.nodes[*place].port())).collect();
        format!("redis+cluster://{}", known.join(","))
    }

    /// The slot of a workspace, and the place of the node that holds it.
    async fn owner(&self, workspace: &str) -> (u16, usize) {
        let mut connection = connect(self.nodes[0].url()).await;
        let slot = ask(&mut connection, &format!("CLUSTER KEYSLOT {{upnext:{workspace}}}:")).await;
        let slot = redis::from_redis_value(slot.expect("the slot")).expect("a number");
        (slot, usize::from(slot) * 3 / 16384)
    }

    /// Gives a slot without keys to another node.
    async fn give_slot(&self, slot: u16, to: usize) {
        let id = text(&mut connect(self.nodes[to].url()).await, "CLUSTER MYID").await;
        for node in &self.nodes {
            let mut connection = connect(node.url()).await;
            ask(&mut connection, &format!("CLUSTER SETSLOT {slot} NODE {id}")).await.expect("the slot moves");
        }
    }
}

/// A workspace lies on one node of a cluster: it is found through any other, followed when its slot moves, and waited for when
/// it dies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_worked_with() {
    let mut cluster = Cluster::start().await;
    let workspace = format!("cluster-{:08x}", fastrand::u32(..));
    let (slot, owner) = cluster.owner(&workspace).await;
    let url = cluster.url(&[(owner + 1) % 3, (owner + 2) % 3]);
    let backend = attach(&url, &workspace).await;
    backend.ping().await.expect("the owner should answer");
    let new_owner = (owner + 1) % 3;
    cluster.give_slot(slot, new_owner).await;

    let job = backend.submit(new_job("f")).await;
    let claimed = backend.take_one("f").await;
    backend.record_ok(new_artifact(job, "a.txt", b"bytes")).await;
    assert_eq!(backend.end_applied(&claimed, ok()).await, JobStatus::Complete);
    assert!(backend.kept(b"bytes").await, "inline bytes are lost");

    let load = Load::start(&url, &workspace, 2, 2).await;
    load.gets_on().await;
    cluster.nodes[new_owner].kill();
    cluster.nodes[new_owner].restart();
    let recovered = load.gets_on().await;
    println!("cluster: everybody back {recovered:?} after the node's return");
    assert!(recovered < RECOVERY, "it took {recovered:?}");
    let done = load.stop().await;
    assert_eq!(lost(&*backend, &done).await, (0, 0), "what was acknowledged is lost");
}

/// What one handle does in a cluster is heard of by another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wake_ups_pass_through_a_cluster() {
    let cluster = Cluster::start().await;
    let (backend, workspace) = open(&cluster.url(&[0])).await;
    let other = attach(&cluster.url(&[2]), &workspace).await;
    let mut elsewhere = backend.signals().subscribe_elsewhere();
    other.submit(new_job("f")).await;
    assert!(fixture::fires(&mut elsewhere).await, "nothing was heard of the other handle");
}

/// A user who may do only what the documentation says, with a password that stands in no message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_needs_no_more_rights_than_documented() {
    let rights = "on >s@cret ~{upnext:*}:* &{upnext:*}:* +fcall +function|load +subscribe +get +hget +hgetall +ping +info \
                  +time +config|get +client|setinfo +@write +@read +@pubsub";
    let server = valkey::private(&[&format!("user ada={rights}"), "requirepass=other"]);
    let host = format!("127.0.0.1:{}", server.port());
    let (backend, _) = open(&format!("redis://ada:s%40cret@{host}")).await;
    let job = backend.submit(new_job("f")).await;
    let claimed = backend.take_one("f").await;
    backend.record_ok(new_artifact(job, "a", b"1")).await;
    assert_eq!(backend.end_applied(&claimed, ok()).await, JobStatus::Complete);
    backend.queue_depth().await.expect("figures should be readable");
    for wrong in [format!("redis://ada:wr0ng@{host}"), format!("redis://{host}")] {
        let error = upnext_redis::open(RedisOptions::new(&wrong)).await.expect_err("it should be refused");
        assert!(!error.retryable(), "a wrong password may pass: {error}");
        let error = error.to_string();
        assert!(error.contains("user and password") && !error.contains("wr0ng"), "{error}");
    }
}

/// A server that throws keys away is refused; one that keeps them is full when its memory is, and everything else goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_memory_refuses_jobs_and_loses_none() {
    let forgetful = valkey::private(&["maxmemory=64mb", "maxmemory-policy=allkeys-lru"]);
    let error = upnext_redis::open(RedisOptions::new(forgetful.url())).await.expect_err("it loses jobs");
    assert!(error.to_string().contains("maxmemory-policy noeviction"), "{error}");

    let server = valkey::private(&["maxmemory=16mb", "maxmemory-policy=noeviction"]);
    let (backend, _) = open(server.url()).await;
    let mut accepted = Vec::new();
    let refused = loop {
        match backend.enqueue((0..200).map(|_| new_job("f")).collect()).await {
            Ok(jobs) => accepted.extend(jobs.iter().map(|job| job.id)),
            Err(error) => break error,
        }
    };
    assert!(refused.retryable() && refused.to_string().contains("out of memory"), "{refused}");
    assert_eq!(backend.find_jobs(accepted.clone()).await.expect("find_jobs").len(), accepted.len());
    ask(&mut connect(server.url()).await, "CONFIG SET maxmemory 64mb").await.expect("more memory");
    backend.submit(new_job("f")).await;
    println!("16 MB of memory hold {} queued jobs", accepted.len());
}

/// TLS, with an authority of one's own; without naming it the server is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_checks_the_server() {
    let port = terminate_tls(valkey::shared().port).await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let url = format!("rediss://127.0.0.1:{port}?ca={}", folder.join("ca.pem").display());
    let (backend, workspace) = open(&url).await;
    let other = attach(&url, &workspace).await;
    let mut elsewhere = backend.signals().subscribe_elsewhere();
    let job = other.submit(new_job("f")).await;
    assert!(fixture::fires(&mut elsewhere).await, "wake-ups do not pass through TLS");
    assert_eq!(backend.take_one("f").await.lease.job_id, job);
    let stranger = upnext_redis::open(RedisOptions::new(format!("rediss://127.0.0.1:{port}"))).await;
    assert!(stranger.is_err(), "a certificate of nobody's was trusted");
}

/// Something before a server that speaks TLS. It ends with the runtime of its test.
async fn terminate_tls(server: u16) -> u16 {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("the key belongs to the certificate");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port should be free");
    let port = listener.local_addr().expect("a bound port has an address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
                // Whoever closes first ends it.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}
