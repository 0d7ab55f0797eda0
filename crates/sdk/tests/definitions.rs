//! Options of tasks: what they become, and how broken ones are refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

use std::time::Duration;

use tempfile::TempDir;
use upnext::{Error, JobType, MissedRunPolicy, Task, UpNext, Worker};

#[upnext::task(
    retries = 3,
    retry_delay = Duration::from_millis(500),
    retry_backoff = 3.0,
    retry_max_delay = 60,
    retry_jitter = 0.25,
    timeout = 10,
    artifact_ttl = 3600,
    tags = ["etl", "nightly"],
    rate_limit = "100/m",
    max_concurrency = 4,
    routing_group = "mail",
    group_max_concurrency = 6,
    concurrency_key = "{customer}",
    key_max_concurrency = 2,
    cache_key = "{customer}:{kind}",
    cache_ttl = 30
)]
async fn everything(customer: String, kind: Option<String>) {
    let _ = (customer, kind);
}

#[test]
fn every_option_is_part_of_the_definition() {
    let definition = everything::definition().unwrap();
    let retry = definition.retry;
    assert_eq!((retry.max_retries, retry.delay, retry.backoff), (3, 0.5, 3.0));
    assert_eq!((retry.max_delay, retry.jitter), (60.0, 0.25));
    assert_eq!((definition.timeout, definition.artifact_ttl), (10.0, Some(3600.0)));
    assert_eq!(definition.tags, ["etl", "nightly"]);
    let limits = definition.limits;
    assert_eq!(limits.rate_limit.unwrap().to_string(), "100/m");
    assert_eq!((limits.max_concurrency, limits.group_max_concurrency), (Some(4), Some(6)));
    assert_eq!(limits.routing_group.as_deref(), Some("mail"));
    assert_eq!(definition.concurrency_key.unwrap().to_string(), "{customer}");
    assert_eq!(definition.cache_key.unwrap().to_string(), "{customer}:{kind}");
    assert_eq!((definition.key_max_concurrency, definition.cache_ttl), (Some(2), Some(30.0)));
    assert_eq!((definition.job_type, definition.takes_any), (JobType::Task, false));
}

#[upnext::task(
    cron = "0 3 * * *",
    timezone = "Europe/Berlin",
    missed_run_policy = "catch_up",
    max_catch_up_seconds = 60
)]
async fn nightly(note: Option<String>) {
    let _ = note;
}

#[upnext::task(cron = "0 3 * * *", missed_run_policy = "skip")]
async fn skipping() {}

#[upnext::task(cron = "0 3 * * *", missed_run_policy = "latest_only")]
async fn latest() {}

#[upnext::task(cron = "0 3 * * *", missed_run_policy = MissedRunPolicy::CatchUp)]
async fn by_value() {}

#[test]
fn schedules_are_part_of_the_definition() {
    let definition = nightly::definition().unwrap();
    assert_eq!(definition.job_type, JobType::Cron);
    let rule = definition.cron.unwrap();
    assert_eq!((rule.schedule.as_str(), rule.timezone.as_deref()), ("0 3 * * *", Some("Europe/Berlin")));
    assert_eq!(rule.max_catch_up_seconds, Some(60.0));
    let policies =
        [nightly::definition(), skipping::definition(), latest::definition(), by_value::definition()]
            .map(|definition| definition.unwrap().cron.unwrap().missed_run_policy);
    let [catch_up, skip, newest] =
        ["catch_up", "skip", "latest_only"].map(|word| word.parse::<MissedRunPolicy>().unwrap());
    assert_eq!(policies, [catch_up, skip, newest, catch_up]);
}

// Names that the expansion could mistake for its own.
#[upnext::task]
async fn error(app: i64, definition: i64) -> Result<i64, String> {
    Ok(app + definition)
}

#[upnext::task(cron = "0 3 * * *")]
async fn cron(value: Option<i64>) -> Result<Option<i64>, String> {
    Ok(value)
}

#[tokio::test]
async fn tasks_and_arguments_may_have_any_name() {
    assert_eq!(error::definition().unwrap().key, "error");
    assert_eq!(error::call(1, 2).await, Ok(3));
    assert_eq!(cron::call(None).await, Ok(None));
}

#[upnext::task(rate_limit = "often")]
async fn bad_rate() {}

#[upnext::task(concurrency_key = "{customer")]
async fn bad_template(customer: String) {
    let _ = customer;
}

#[upnext::task(cache_key = "{client}")]
async fn bad_argument(customer: String) {
    let _ = customer;
}

#[upnext::task(cron = "0 3 * *")]
async fn bad_schedule() {}

#[upnext::task(cron = "0 3 * * *", timezone = "Mars/Base")]
async fn bad_zone() {}

#[upnext::task(event = "order placed")]
async fn bad_pattern() {}

#[upnext::task(timeout = 0)]
async fn bad_timeout() {}

#[test]
fn broken_options_name_the_task_the_option_and_the_rule() {
    let cases = [
        (bad_rate::definition(), "'bad_rate': rate_limit: 'often' is not a rate limit"),
        (
            bad_template::definition(),
            "'bad_template': concurrency_key: '{customer' has a { that is not closed",
        ),
        (bad_argument::definition(), "'bad_argument': cache_key uses 'client', but it takes customer"),
        (bad_schedule::definition(), "'bad_schedule': '0 3 * *' is not a schedule: it has 4 fields"),
        (bad_zone::definition(), "'bad_zone': there is no time zone 'Mars/Base'"),
        (bad_pattern::definition(), "'bad_pattern': event: \"order placed\" is not an event pattern"),
        (bad_timeout::definition(), "'bad_timeout': timeout is 0"),
    ];
    for (definition, expected) in cases {
        let refused = definition.unwrap_err();
        assert!(matches!(refused, Error::Definition(_)), "{refused:?}");
        assert!(refused.to_string().starts_with(expected), "{refused}");
    }
}

#[tokio::test]
async fn neither_a_worker_nor_a_submitter_takes_a_broken_definition() {
    let folder = TempDir::new().unwrap();
    let app = UpNext::open(&format!("sqlite://{}/upnext.db", folder.path().display())).await.unwrap();
    let started = Worker::new("w").task(skipping).task(bad_rate).start(&app).await;
    assert!(matches!(started, Err(Error::Definition(_))), "{started:?}");
    assert!(app.client().backend().list_workers().await.unwrap().is_empty(), "nothing was registered");
    let submitted = bad_timeout.submit(&app).await;
    assert!(matches!(submitted, Err(Error::Definition(_))), "{submitted:?}");
}
