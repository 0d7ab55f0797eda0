#[upnext::task]
fn blocking() {}

fn main() {}
