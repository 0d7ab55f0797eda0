#[upnext_macros::task(cron = "0 3 * * *")]
async fn task(note: Option<String>, day: String) {}

fn main() {}
