#[upnext_macros::task(on_sucess = notify)]
async fn task() {}

fn main() {}
