//! What `bench/` counts the instructions of, and nobody else calls.

use upnext_core::NewJob;

use crate::args::Args;
use crate::enqueue::add_job;
use crate::link::function_call;

/// The command that enqueues these jobs, as bytes.
#[must_use]
pub fn enqueue_command(jobs: &[NewJob]) -> Vec<u8> {
    let mut args = Args::default();
    jobs.iter().for_each(|job| add_job(&mut args, job));
    function_call("enqueue", "{upnext:local}:", &args).get_packed_command()
}
