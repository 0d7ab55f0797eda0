//! Prints the preview of a file as JSON, or what differs between two: `cargo run -p upnext-previews --example show FILE [FILE]`.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::fs::File;

use upnext_previews::{Limits, Source, compare, preview};

fn main() -> Result<(), Box<dyn Error>> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let mut files = Vec::new();
    for name in &names {
        let file = File::open(name)?;
        files.push((name, file.metadata()?.len(), file));
    }
    let mut sources =
        files.iter_mut().map(|(name, size, file)| Source { media_type: "", name, size: *size, reader: file });
    let limits = Limits::default();
    let json = match (sources.next(), sources.next()) {
        (Some(old), Some(new)) => serde_json::to_string_pretty(&compare(old, new, &limits)?)?,
        (Some(only), None) => serde_json::to_string_pretty(&preview(only, &limits)?)?,
        _ => return Err("name one file to see its preview, or two to see what differs".into()),
    };
    println!("{json}");
    Ok(())
}
