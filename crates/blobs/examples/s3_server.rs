//! The S3 server of the tests as a program, for tests in other languages: `s3_server FOLDER` makes the bucket
//! `artifacts` in the folder, prints its address, and serves until its input ends.
#![allow(clippy::print_stdout, reason = "it prints its address")]

#[path = "../tests/storage/s3_server.rs"]
mod s3_server;

use std::path::PathBuf;

use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).expect("usage: s3_server FOLDER"));
    std::fs::create_dir_all(folder.join("artifacts"))?;
    let (url, server) = s3_server::start(&folder).await;
    println!("{url} {} {}", s3_server::KEY, s3_server::SECRET);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    server.abort();
    Ok(())
}
