#[upnext_macros::task(retires = 3)]
async fn misspelt() {}

fn main() {}
