#[upnext_macros::task(colour = "red")]
async fn task() {}

fn main() {}
