#[upnext_macros::task]
fn blocking() {}

fn main() {}
