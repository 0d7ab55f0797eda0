#[upnext_macros::task(timeout = 1.0, timeout = 2.0)]
async fn task() {}

fn main() {}
