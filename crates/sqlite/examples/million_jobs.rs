//! Measures lists of jobs and searches in them among very many:
//! `cargo run --release -p upnext-sqlite --example million_jobs -- FOLDER COUNT`.
//!
//! Fills `FOLDER/million_jobs.db` (200 functions, arguments of some 150 bytes, one job in ten with tags, one in 100,000
//! holding a rare text) unless it is there already, and prints the times of pages.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::time::{Duration, Instant};

use upnext_core::backend::JobQuery;
use upnext_core::job::JobType;
use upnext_core::{Backend, JobId, JobStatus, NewJob, RawJson, RetryPolicy};
use upnext_sqlite::SqliteOptions;

const BATCH: usize = 1000;
const RUNS: usize = 50;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = std::path::PathBuf::from(arguments.next().unwrap_or_else(|| "/tmp".to_owned()));
    let count: usize = arguments.next().map_or(1_000_000, |text| text.parse().unwrap());
    let file = folder.join("million_jobs.db");
    let is_new = !file.exists();
    let backend = upnext_sqlite::open(SqliteOptions::new(&file)).await.unwrap();
    if is_new {
        let began = Instant::now();
        for first in (0..count).step_by(BATCH) {
            backend.enqueue((first..count.min(first + BATCH)).map(job).collect()).await.unwrap();
        }
        println!("filled with {count} jobs: {:.0}/s", count as f64 / began.elapsed().as_secs_f64());
    }
    let page = || JobQuery { limit: 100, ..JobQuery::default() };
    let tag = |tag: &str| vec![tag.to_owned()];
    let text = |text: &str| Some(text.to_owned());
    let of_function = || Some("team_3.task_73".to_owned());
    for (what, query) in [
        ("the newest", page()),
        ("of a function", JobQuery { function: of_function(), ..page() }),
        ("of a status", JobQuery { statuses: vec![JobStatus::Queued], ..page() }),
        ("with a tag of 100,000 jobs", JobQuery { tags: tag("tenth"), ..page() }),
        ("with a tag of 500 jobs", JobQuery { tags: tag("customer-7"), ..page() }),
        ("with both tags", JobQuery { tags: [tag("tenth"), tag("customer-7")].concat(), ..page() }),
        ("with a common text", JobQuery { text: text("ORDER"), ..page() }),
        ("with a text in one of 100", JobQuery { text: text("\"page\": 42,"), ..page() }),
        ("with a rare text (ends early)", JobQuery { text: text("zeppelin"), ..page() }),
        (
            "with a function and a rare text",
            JobQuery { function: of_function(), text: text("zeppelin"), ..page() },
        ),
        ("with a tag and a rare text", JobQuery { tags: tag("tenth"), text: text("zeppelin"), ..page() }),
    ] {
        measure(&*backend, what, &query).await;
    }
    look_through(&*backend, JobQuery { text: text("zeppelin"), ..page() }).await;
}

fn job(number: usize) -> NewJob {
    let function = format!("team_{}.task_{}", number % 200 / 20, number % 200);
    let rare = if number.is_multiple_of(100_000) { "zeppelin" } else { "order" };
    let kwargs = format!(
        "{{\"{rare}_id\": {number}, \"page\": {}, \"address\": \"{}\", \"who\": \"Order desk of the größere company\"}}",
        number % 100,
        "x".repeat(60)
    );
    let tags = if number.is_multiple_of(10) {
        vec!["tenth".to_owned(), format!("customer-{}", number / 10 % 200)]
    } else {
        Vec::new()
    };
    NewJob {
        id: JobId::fresh(),
        function_name: function.clone(),
        function,
        job_type: JobType::Task,
        kwargs: RawJson::parse(kwargs).unwrap(),
        idempotency_key: None,
        priority: 0,
        scheduled_at: None,
        delay: Duration::ZERO,
        concurrency_key: None,
        cache: None,
        retry: RetryPolicy::default(),
        timeout: Duration::from_secs(60),
        parent: None,
        source: None,
        tags,
    }
}

async fn measure(backend: &dyn Backend, what: &str, query: &JobQuery) {
    let mut times = Vec::with_capacity(RUNS);
    let mut found = (0, 0);
    for _ in 0..RUNS {
        let began = Instant::now();
        let page = backend.list_jobs(query.clone()).await.unwrap();
        times.push(began.elapsed());
        found = (page.items.len(), page.total);
    }
    times.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{what:<34} {:>5} of {:>8}   median {:>8.2} ms   slowest {:>8.2} ms",
        found.0,
        found.1,
        millis(times[RUNS / 2]),
        millis(times[RUNS - 1])
    );
}

/// Everything that holds a text, page after page.
async fn look_through(backend: &dyn Backend, mut query: JobQuery) {
    let (began, mut pages, mut found) = (Instant::now(), 0, 0);
    loop {
        let page = backend.list_jobs(query.clone()).await.unwrap();
        (pages, found) = (pages + 1, found + page.items.len());
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    println!(
        "all with a rare text: {found} found on {pages} pages in {:.2} s",
        began.elapsed().as_secs_f64()
    );
}
