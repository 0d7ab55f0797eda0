#[upnext_macros::task]
async fn unpacked((a, b): (i32, i32)) -> i32 {
    a + b
}

fn main() {}
