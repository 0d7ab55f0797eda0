//! A worker that offers tasks written in Rust to whoever submits them, from Python as well.
//!
//! Run it with `cargo run -p upnext --example worker` and stop it with Ctrl-C. In Python, a task of the same name and
//! arguments is enough to submit to it; so is `upnext call word_count --kwargs '{"text": "to be or not to be"}'`.

#![allow(missing_docs, clippy::print_stdout, reason = "an example prints, and its text explains it")]

use std::collections::BTreeMap;

use upnext::{ArtifactError, UpNext, Worker};

#[upnext::task]
async fn word_count(text: String) -> Result<usize, ArtifactError> {
    let mut counts = BTreeMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_insert(0) += 1;
    }
    upnext::create_artifact("counts.json", upnext::json(&counts)?, None).await?;
    Ok(counts.len())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = UpNext::from_env().await?;
    println!("offering word_count");
    Worker::new("words").concurrency(8).task(word_count).run(&app).await?;
    Ok(())
}
