#[upnext_macros::task(on_success = "notify")]
async fn task() {}

fn main() {}
