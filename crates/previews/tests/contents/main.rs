//! One content of each kind, made by the libraries that others write such files with.

#![allow(clippy::unwrap_used, reason = "a helper of a test is a test")]

mod archives;
mod arrow;
mod comparisons;
mod files;
mod images;
mod json;
mod parquet;
mod properties;
mod tables;
mod texts;

use std::io::Cursor;

use upnext_previews::{Difference, Limits, Preview, Source, compare, preview};

fn show_within(limits: &Limits, media_type: &str, name: &str, bytes: &[u8]) -> Preview {
    let mut reader = Cursor::new(bytes);
    let source = Source { media_type, name, size: bytes.len() as u64, reader: &mut reader };
    preview(source, limits).unwrap()
}

fn show(media_type: &str, name: &str, bytes: &[u8]) -> Preview {
    show_within(&Limits::default(), media_type, name, bytes)
}

fn differ_within(limits: &Limits, media_type: &str, old: &[u8], new: &[u8]) -> Difference {
    let (mut old_reader, mut new_reader) = (Cursor::new(old), Cursor::new(new));
    let old = Source { media_type, name: "old", size: old.len() as u64, reader: &mut old_reader };
    let new = Source { media_type, name: "new", size: new.len() as u64, reader: &mut new_reader };
    compare(old, new, limits).unwrap()
}

fn differ(media_type: &str, old: &[u8], new: &[u8]) -> Difference {
    differ_within(&Limits::default(), media_type, old, new)
}
