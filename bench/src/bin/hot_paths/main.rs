//! The paths that every job and every small artifact takes, made to be counted: `bench/counts.py` runs each under callgrind and
//! compares the instructions with what they were (`make bench-counts`).
//!
//! Usage: `hot_paths CASE`, or nothing for the list of cases and how often each repeats its step. What is counted lies between
//! [`counting_begins`] and [`counting_ends`], on all threads.

#![allow(clippy::print_stdout, reason = "it prints its cases")]

mod formats;
mod queue;
mod stored;

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;

/// A case under way.
type Running = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

/// A case: how often its step is counted, and what runs it that often.
struct Case {
    name: &'static str,
    times: u32,
    run: fn(u32) -> Running,
}

macro_rules! cases {
    ($($name:literal x $times:literal => $run:path;)*) => {
        [$(Case { name: $name, times: $times, run: |times| Box::pin($run(times)) }),*]
    };
}

const CASES: [Case; 13] = cases! {
    "sqlite enqueue 1" x 100 => queue::enqueue_one;
    "sqlite enqueue 100" x 10 => queue::enqueue_hundred;
    "sqlite claim 32" x 20 => queue::claim;
    "sqlite finish 32" x 20 => queue::finish;
    "sqlite artifact 200 B" x 100 => stored::small_artifact;
    "sqlite 32 artifacts 200 B" x 10 => stored::small_artifacts_together;
    "store 1 MiB" x 5 => stored::one_mebibyte;
    "arguments JSON" x 1000 => formats::arguments_to_job;
    "arguments MessagePack" x 1000 => formats::arguments_on_the_wire;
    "remote claim 32, written" x 20 => formats::claim_written;
    "remote claim 32, read" x 20 => formats::claim_read;
    "redis arguments of 100 jobs" x 50 => formats::redis_arguments;
    "postgres columns of 100 jobs" x 50 => formats::postgres_columns;
};

/// From here on instructions count.
#[inline(never)]
pub(crate) fn counting_begins(times: u32) {
    black_box(times);
}

/// Up to here.
#[inline(never)]
pub(crate) fn counting_ends(times: u32) {
    black_box(times.wrapping_add(1));
}

fn main() -> anyhow::Result<()> {
    let Some(wanted) = std::env::args().nth(1) else {
        for case in &CASES {
            println!("{}\t{}", case.times, case.name);
        }
        return Ok(());
    };
    let case = CASES.iter().find(|case| case.name == wanted);
    let case = case.ok_or_else(|| anyhow::anyhow!("there is no case {wanted:?}"))?;
    // One thread beside those of the backend: what runs where does not depend on luck.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on((case.run)(case.times))
}
