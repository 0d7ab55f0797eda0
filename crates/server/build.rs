//! Rebuilds the crate when the built dashboard changes, since its files are embedded.

fn main() {
    println!("cargo:rerun-if-changed=../../dashboard/dist");
}
