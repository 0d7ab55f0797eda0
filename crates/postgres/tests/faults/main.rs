//! What happens when the server crashes, connections break or a standby takes over: nothing that was acknowledged is lost, and
//! everybody goes on by themselves. Each test prints what it saw.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]
#![allow(clippy::print_stdout, reason = "each test tells its figures")]

mod cut;
mod failover;
mod load;
mod proxy;
mod restart;
