//! Archives.

use upnext_previews::{ArchivePreview, EntryKind, Limits, Preview};

use crate::files::{gzip, tar_file, zip_file};
use crate::{show, show_within};

fn archive(preview: Preview) -> ArchivePreview {
    let Preview::Archive(archive) = preview else { panic!("an archive, not {preview:?}") };
    archive
}

#[test]
fn the_entries_of_a_zip_are_listed() {
    let zip = archive(show("application/zip", "a", &zip_file(2)));
    assert_eq!((zip.format, zip.total_entries, zip.truncated), ("zip", Some(3), false));
    assert_eq!((zip.entries[0].path.as_str(), zip.entries[0].kind), ("data/", EntryKind::Folder));
    assert_eq!((zip.entries[2].path.as_str(), zip.entries[2].size), ("data/1.txt", 7));
    assert_eq!(zip.entries[2].compressed_size, Some(7));
}

#[test]
fn more_entries_than_the_limit_are_counted() {
    let limits = Limits { entries: 3, ..Limits::default() };
    let zip = archive(show_within(&limits, "application/zip", "a", &zip_file(1000)));
    assert_eq!((zip.entries.len(), zip.total_entries, zip.truncated), (3, Some(1001), true));
    let tar = archive(show_within(&limits, "application/x-tar", "a", &tar_file(1000)));
    assert_eq!((tar.entries.len(), tar.total_entries, tar.truncated), (3, None, true));
}

#[test]
fn the_entries_of_a_tar_are_listed() {
    for (name, bytes, format) in [
        ("a.tar", tar_file(5), "tar"),
        ("a.tar.gz", gzip(&tar_file(5)), "tar.gz"),
        ("a.tgz", gzip(&tar_file(5)), "tar.gz"),
    ] {
        let tar = archive(show("application/octet-stream", name, &bytes));
        assert_eq!((tar.format, tar.total_entries, tar.truncated), (format, Some(5), false));
        assert_eq!((tar.entries[4].path.as_str(), tar.entries[4].size), ("data/4.txt", 7));
    }
}

#[test]
fn a_packed_content_is_shown_as_what_it_is() {
    let Preview::Text(text) = show("application/gzip", "a.log.gz", &gzip(b"hello")) else { panic!("a text") };
    assert_eq!((text.text.as_str(), text.truncated), ("hello", false));
    let Preview::Table(table) = show("application/gzip", "a.csv.gz", &gzip(b"a,b\n1,2\n")) else {
        panic!("a table")
    };
    assert_eq!(table.total_rows, Some(1));
    let Preview::Binary(binary) = show("application/gzip", "a.gz", &gzip(b"\x00\x01")) else {
        panic!("bytes")
    };
    assert_eq!(binary.hex, "0001");
    // What is packed twice is not unpacked twice.
    let Preview::Binary(binary) = show("application/gzip", "a.gz.gz", &gzip(&gzip(b"x"))) else {
        panic!("bytes")
    };
    assert_eq!(binary.looks_like, Some("gzip"));
}

#[test]
fn a_packed_content_that_goes_on_is_not_taken_for_whole() {
    let Preview::Table(table) = show("", "a.csv.gz", &gzip(&b"a,b\n1,2\n".repeat(1 << 18))) else {
        panic!("a table")
    };
    assert_eq!((table.total_rows, table.truncated), (None, true));
}

#[test]
fn hostile_names_are_shown_as_they_are() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("../../etc/passwd", options).unwrap();
    let zip = archive(show("application/zip", "a", &zip.finish().unwrap().into_inner()));
    assert_eq!(zip.entries[0].path, "../../etc/passwd");
}

#[test]
fn what_is_no_archive_says_so() {
    for (media_type, bytes) in [
        ("application/zip", &b"no zip"[..]),
        ("application/x-tar", b"no tar, and long enough to be a block"),
        ("application/gzip", b"no gzip"),
        ("application/gzip", b"\x1f\x8b"),
        ("application/zip", b""),
    ] {
        assert!(matches!(show(media_type, "a", bytes), Preview::None { .. }), "{media_type}");
    }
}
