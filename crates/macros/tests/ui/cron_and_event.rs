#[upnext_macros::task(cron = "0 3 * * *", event = "order.*")]
async fn task() {}

fn main() {}
