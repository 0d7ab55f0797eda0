#[upnext_macros::task(timezone = "Europe/Berlin")]
async fn task() {}

fn main() {}
