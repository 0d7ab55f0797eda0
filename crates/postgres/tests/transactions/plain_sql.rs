//! The functions `submit` and `send_event` of the schema do what a client does.

use std::time::Duration;

use tokio_postgres::Client;
use upnext_core::client::Submission;
use upnext_core::events::Event;
use upnext_core::pattern::EventPattern;
use upnext_core::template::Template;
use upnext_core::{
    Client as UpNextClient, FunctionDefinition, Job, JobId, JobType, Parameter, RawJson, RetryPolicy,
    WorkerRegistration,
};
use upnext_testkit::Steps as _;
use upnext_testkit::factories::{registration, worker_id};

use crate::Place;

fn report() -> FunctionDefinition {
    let parameter = |name: &str, required| Parameter { name: name.into(), required };
    FunctionDefinition {
        name: "report".into(),
        timeout: 12.5,
        retry: RetryPolicy { max_retries: 3, delay: 0.25, ..RetryPolicy::default() },
        parameters: Some(vec![parameter("kind", true), parameter("rows", false)]),
        concurrency_key: Some(Template::parse("{kind}/{rows[0].id}").unwrap()),
        key_max_concurrency: Some(2),
        cache_key: Some(Template::parse("{{{rows}}}").unwrap()),
        cache_ttl: Some(90.0),
        tags: vec!["etl".into()],
        ..FunctionDefinition::task("shop.report")
    }
}

fn handler(key: &str, pattern: &str) -> FunctionDefinition {
    FunctionDefinition {
        job_type: JobType::Event,
        pattern: Some(EventPattern::parse(pattern).unwrap()),
        tags: vec!["event".into()],
        ..FunctionDefinition::task(key)
    }
}

async fn register(place: &Place, functions: Vec<FunctionDefinition>) {
    let registration = WorkerRegistration { functions, ..registration(&worker_id(), "tester", &[]) };
    place.backend.register_worker(registration).await.unwrap();
}

async fn call(client: &Client, place: &Place, sql: &str) -> Result<JobId, String> {
    let row = client.query_one(&place.sql(&format!("SELECT CAST({sql} AS text)")), &[]).await;
    match row {
        Ok(row) => Ok(row.get::<_, String>(0).parse().unwrap()),
        Err(error) => Err(error.as_db_error().unwrap().message().to_owned()),
    }
}

/// A job without what is its own; its JSON as values, since jsonb writes them in another way.
fn likeness(job: &Job) -> serde_json::Value {
    let mut value = serde_json::to_value(job).unwrap();
    for own in ["id", "root_id", "created_at", "scheduled_at"] {
        value[own] = serde_json::Value::Null;
    }
    value
}

#[tokio::test]
async fn submit_makes_the_job_that_a_client_makes() {
    let place = Place::open().await;
    let sql = place.client().await;
    register(&place, vec![report(), FunctionDefinition::task("plain")]).await;
    let client = UpNextClient::new(std::sync::Arc::clone(&place.backend));
    let kwargs = r#"{"kind": "dä\"ily", "rows": [{"id": 7, "b": {"y": null, "x": [true, 1.5]}}]}"#;
    let submission = Submission {
        idempotency_key: Some("k1".into()),
        priority: 4,
        delay: Duration::from_secs(3600),
        tags: vec!["etl".into(), " eu ".into(), "etl".into(), "eu".into()],
        ..Submission::to(&report(), RawJson::parse(kwargs).unwrap())
    };
    let ours = client.submit(submission).await.unwrap().id;
    let text = format!(
        "upnext.submit('shop.report', '{kwargs}', ' k2 ', delay => '1 hour', priority => 4, tags => '{{ eu ,etl,eu}}')"
    );
    let theirs = call(&sql, &place, &text).await.unwrap();
    let (ours, theirs) = (place.backend.read(ours).await, place.backend.read(theirs).await);
    let waits = |job: &Job| job.scheduled_at.since(job.created_at);
    assert_eq!(waits(&theirs), waits(&ours));
    let keys = [ours.idempotency_key.clone(), theirs.idempotency_key.clone()];
    assert_eq!(keys, [Some("k1".to_owned()), Some("k2".to_owned())]);
    let alike = |job: Job| likeness(&Job { idempotency_key: None, ..job });
    assert_eq!(alike(theirs), alike(ours));
    // Gates and shared results are in rows that no job shows.
    let hidden = "SELECT count(DISTINCT (gate_key, gate_limit, cache_key, cache_ttl_us)) FROM upnext.jobs";
    assert_eq!(sql.query_one(&place.sql(hidden), &[]).await.unwrap().get::<_, i64>(0), 1);
    // By its name, with nothing but defaults, and at a moment.
    let plain = call(&sql, &place, "upnext.submit('plain')").await.unwrap();
    let same = client.call("plain", RawJson::parse("{}").unwrap()).await.unwrap().id;
    assert_eq!(likeness(&place.backend.read(plain).await), likeness(&place.backend.read(same).await));
    let at =
        call(&sql, &place, "upnext.submit('report', '{\"kind\": 1}', at => '2100-01-01T00:00:00Z')").await;
    assert_eq!(place.backend.read(at.unwrap()).await.scheduled_at.as_micros(), 4_102_444_800_000_000);
}

#[tokio::test]
async fn submit_refuses_what_a_client_refuses_in_its_words() {
    let place = Place::open().await;
    let sql = place.client().await;
    let client = UpNextClient::new(std::sync::Arc::clone(&place.backend));
    let nothing = call(&sql, &place, "upnext.submit('report')").await.unwrap_err();
    assert_eq!(nothing, client.call("report", RawJson::parse("{}").unwrap()).await.unwrap_err().to_string());
    register(&place, vec![report(), FunctionDefinition::task("plain")]).await;
    for (function, kwargs) in [
        ("nope", "{}"),
        ("report", "{}"),
        ("report", r#"{"kind": 1, "rwos": 2}"#),
        ("report", "[1]"),
        ("plain", "7"),
    ] {
        let theirs =
            call(&sql, &place, &format!("upnext.submit('{function}', '{kwargs}')")).await.unwrap_err();
        let ours = client.call(function, RawJson::parse(kwargs).unwrap()).await.unwrap_err();
        assert_eq!(theirs, ours.to_string());
    }
    for (options, change) in [
        ("idempotency_key => '  '", Submission { idempotency_key: Some(String::new()), ..plain() }),
        ("tags => array['a,b']", Submission { tags: vec!["a,b".into()], ..plain() }),
        (
            "tags => (SELECT array_agg(t::text) FROM generate_series(1, 33) t)",
            Submission { tags: (1..=33).map(|tag| tag.to_string()).collect(), ..plain() },
        ),
        (
            "jsonb_build_object('x', repeat('y', 5000000))",
            Submission {
                kwargs: RawJson::parse(format!("{{\"x\": \"{}\"}}", "y".repeat(5_000_000))).unwrap(),
                ..plain()
            },
        ),
    ] {
        let theirs = call(&sql, &place, &format!("upnext.submit('plain', {options})")).await.unwrap_err();
        assert_eq!(theirs, client.submit(change).await.unwrap_err().to_string());
    }
    let stranger = "upnext.submit('plain', parent => '0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10')";
    let error = call(&sql, &place, stranger).await.unwrap_err();
    assert_eq!(error, "there is no job 0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10 to be the parent");
}

fn plain() -> Submission {
    Submission::new("plain", RawJson::parse("{}").unwrap())
}

#[tokio::test]
async fn a_parent_gives_its_place_in_the_tree() {
    let place = Place::open().await;
    let sql = place.client().await;
    register(&place, vec![FunctionDefinition::task("plain")]).await;
    let root = call(&sql, &place, "upnext.submit('plain')").await.unwrap();
    let child = call(&sql, &place, &format!("upnext.submit('plain', parent => '{root}')")).await.unwrap();
    let grandchild =
        call(&sql, &place, &format!("upnext.submit('plain', parent => '{child}')")).await.unwrap();
    let job = place.backend.read(grandchild).await;
    assert_eq!((job.parent_id, job.root_id), (Some(child), root));
}

#[tokio::test]
async fn events_reach_the_handlers_that_a_client_reaches() {
    let place = Place::open().await;
    let sql = place.client().await;
    let patterns = [
        "order.placed",
        "order.*",
        "*.placed",
        "**",
        "order.p*d",
        "o.**",
        "a+b|(c)[d]^$.{1}\\w?",
        "größe.*",
        "***",
    ];
    let handlers = patterns.iter().enumerate().map(|(n, pattern)| handler(&format!("h{n}"), pattern));
    register(&place, handlers.chain([report()]).collect()).await;
    let client = UpNextClient::new(std::sync::Arc::clone(&place.backend));
    let events =
        ["order.placed", "order.a.placed", "a.placed", "order", "o.", "a+b|(c)[d]^$.{1}\\w?", "größe.ä"];
    for (n, name) in events.iter().enumerate() {
        let key = Some(format!("e{n}"));
        let data = RawJson::parse(r#"{"order": 7}"#).unwrap();
        let event = Event { name: (*name).to_owned(), data, idempotency_key: key.clone(), parent: None };
        let sent = client.send_event(event, &[]).await.unwrap();
        let ours: Vec<_> = sent.iter().map(|job| (job.function.clone(), job.job_id.to_string())).collect();
        // The same key: each handler answers with the job it has.
        let text =
            place.sql("SELECT function, CAST(job AS text) FROM upnext.send_event($1, '{\"order\": 7}', $2)");
        let rows = sql.query(&text, &[name, &key]).await.unwrap();
        let theirs: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(theirs, ours, "{name}");
        let rows = sql.query(&text, &[name, &None::<String>]).await.unwrap();
        for (row, other) in rows.iter().zip(&sent) {
            let theirs = place.backend.read(row.get::<_, String>(1).parse().unwrap()).await;
            let ours = place.backend.read(other.job_id).await;
            let alike = |job: Job| likeness(&Job { idempotency_key: None, ..job });
            assert_eq!(alike(theirs), alike(ours));
        }
    }
    for bad in ["a b", "order.*", ""] {
        let event = Event {
            name: bad.to_owned(),
            data: RawJson::parse("{}").unwrap(),
            idempotency_key: None,
            parent: None,
        };
        let ours = client.send_event(event, &[]).await.unwrap_err().to_string();
        let theirs = sql.query(&place.sql("SELECT upnext.send_event($1)"), &[&bad]).await.unwrap_err();
        assert_eq!(theirs.as_db_error().unwrap().message(), ours);
    }
}

#[tokio::test]
async fn templates_give_the_same_keys() {
    let place = Place::open().await;
    let sql = place.client().await;
    let kwargs = r#"{"a": "x", "b": [1, {"c": true}], "d": {"e": null, "ü": "\u0001\"é\\/", "Z": [], "a": {}},
        "f": [1.50, 1.0, -10, 100.0], "g": -0.001, "h": 12345678901234567, "i": "", "_k": [[2]]}"#;
    for template in [
        "{a}-{b[1].c}-{b[0]}-{d}-{d.e}",
        "{{{a}}} {b.c} {{}} {b}",
        "{f}/{g}/{h}/{i}/{nothing}/{a.b}/{b[7]}/{_k[0][0]}",
        "no arguments",
    ] {
        let parsed = Template::parse(template).unwrap();
        let arguments = RawJson::parse(kwargs).unwrap();
        let text = place.sql("SELECT upnext.render_template($1, CAST(CAST($2 AS text) AS jsonb))");
        let theirs: String = sql.query_one(&text, &[&template, &kwargs]).await.unwrap().get(0);
        assert_eq!(theirs, parsed.render(&arguments), "{template}");
    }
}
