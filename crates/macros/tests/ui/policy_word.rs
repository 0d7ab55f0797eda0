#[upnext_macros::task(cron = "0 3 * * *", missed_run_policy = "never")]
async fn task() {}

fn main() {}
