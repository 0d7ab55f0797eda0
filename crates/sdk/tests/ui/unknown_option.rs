#[upnext::task(retires = 3)]
async fn misspelt() {}

fn main() {}
