//! What differs between two contents.

use std::io::Cursor;

use image::ImageFormat;
use parquet::basic::Compression;
use parquet::file::properties::WriterVersion;
use upnext_previews::{ChangedValue, Difference, Limits, LineChange, Source, compare};

use crate::files::{arrow_stream, batch, image_file, parquet_file, picture};
use crate::{differ, differ_within};

#[test]
fn equal_contents_are_the_same() {
    for media_type in ["text/plain", "application/json", "image/png", "application/octet-stream"] {
        assert_eq!(differ(media_type, b"{}", b"{}"), Difference::Same { size: 2 });
    }
}

#[test]
fn texts_are_compared_by_lines() {
    let old = (1..=20).map(|line| format!("line {line}\n")).collect::<String>();
    let new = old.replace("line 10\n", "line ten\nand more\n");
    let Difference::Text(text) = differ("text/plain", old.as_bytes(), new.as_bytes()) else {
        panic!("a text")
    };
    assert_eq!((text.added, text.removed, text.truncated), (2, 1, false));
    let [hunk] = text.hunks.as_slice() else { panic!("one hunk") };
    assert_eq!((hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines), (7, 7, 7, 8));
    assert_eq!((hunk.lines[3].change, hunk.lines[3].text.as_str()), (LineChange::Removed, "line 10"));
    assert_eq!((hunk.lines[5].change, hunk.lines[5].text.as_str()), (LineChange::Added, "and more"));
}

#[test]
fn an_added_text_starts_before_the_first_line() {
    let Difference::Text(text) = differ("text/plain", b"", b"a\nb\n") else { panic!("a text") };
    let hunk = &text.hunks[0];
    assert_eq!((hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines), (0, 0, 1, 2));
}

#[test]
fn only_so_many_lines_are_listed_but_all_are_counted() {
    let limits = Limits { changes: 10, ..Limits::default() };
    let old = (0..1000).map(|line| format!("old {line}\n")).collect::<String>();
    let Difference::Text(text) =
        differ_within(&limits, "text/plain", old.as_bytes(), old.replace("old", "new").as_bytes())
    else {
        panic!("a text")
    };
    assert_eq!((text.added, text.removed, text.truncated), (1000, 1000, true));
    assert_eq!(text.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>(), 10);
}

#[test]
fn documents_are_compared_by_values() {
    let old = br#"{"a": {"b": [1, 2, {"x/y": 1}]}, "gone": true, "same": [1]}"#;
    let new = br#"{"a": {"b": [1, 3, {"x/y": 2}, "more"]}, "same": [1], "c~": {}}"#;
    let Difference::Json(json) = differ("application/json", old, new) else { panic!("documents") };
    assert_eq!((json.added, json.removed, json.changed, json.truncated), (2, 1, 2, false));
    let found: Vec<_> =
        json.changes.iter().map(|change| (change.path.as_str(), change.change.clone())).collect();
    assert_eq!(
        found,
        [
            ("/a/b/1", ChangedValue::Changed { old: "2".to_owned(), new: "3".to_owned() }),
            ("/a/b/2/x~1y", ChangedValue::Changed { old: "1".to_owned(), new: "2".to_owned() }),
            ("/a/b/3", ChangedValue::Added { new: "\"more\"".to_owned() }),
            ("/gone", ChangedValue::Removed { old: "true".to_owned() }),
            ("/c~0", ChangedValue::Added { new: "{}".to_owned() }),
        ]
    );
    let wire = serde_json::to_value(&json.changes[0]).unwrap();
    assert_eq!(wire, serde_json::json!({"path": "/a/b/1", "change": "changed", "old": "2", "new": "3"}));
}

#[test]
fn documents_that_differ_in_spaces_only_have_no_changes() {
    let Difference::Json(json) = differ("application/json", b"[1,2]", b"[1, 2]") else { panic!("documents") };
    assert_eq!((json.added, json.removed, json.changed), (0, 0, 0));
}

#[test]
fn a_document_that_is_too_large_or_broken_is_compared_as_text() {
    let limits = Limits { compared_bytes: 10, ..Limits::default() };
    let Difference::Text(text) = differ_within(&limits, "application/json", b"[1, 2, 3, 4, 5]", b"[1, 3]")
    else {
        panic!("texts")
    };
    assert!(text.truncated && text.note.unwrap().contains("more than 10 bytes"));
    let Difference::Text(text) = differ("application/json", b"[1", b"[2") else { panic!("texts") };
    assert!(text.note.unwrap().contains("not JSON"));
}

#[test]
fn tables_are_compared_by_columns_and_rows() {
    let Difference::Table(table) = differ("text/csv", b"id,old,n\n1,x,2\n", b"id,n,new\n1,2.5,x\n2,3,y\n")
    else {
        panic!("tables")
    };
    assert_eq!(
        (table.columns_added[0].name.as_str(), table.columns_removed[0].name.as_str()),
        ("new", "old")
    );
    let retyped = &table.columns_retyped[0];
    assert_eq!(
        (retyped.name.as_str(), retyped.old.as_str(), retyped.new.as_str()),
        ("n", "integer", "number")
    );
    assert_eq!((table.old_rows, table.new_rows), (Some(1), Some(2)));
}

#[test]
fn stored_tables_are_compared_by_their_schemas() {
    let parquet = |rows| parquet_file(rows, Compression::SNAPPY, WriterVersion::PARQUET_1_0);
    let Difference::Table(table) = differ("application/parquet", &parquet(3), &parquet(4)) else {
        panic!("tables")
    };
    assert_eq!((table.old_rows, table.new_rows, table.columns_added.len()), (Some(6), Some(8), 0));
    let old = arrow_stream(&[batch(3)], true);
    let narrow = arrow_stream(&[batch(3).project(&[0, 1]).unwrap()], true);
    let Difference::Table(table) = differ("application/vnd.apache.arrow.stream", &old, &narrow) else {
        panic!("tables")
    };
    assert_eq!((table.columns_removed.len(), table.old_rows), (7, Some(3)));
    assert_eq!(table.columns_removed[0].name, "word");
}

#[test]
fn types_of_different_formats_are_not_compared() {
    let mut csv = Cursor::new(b"id,name\n1,x\n");
    let mut lines = Cursor::new(b"{\"id\": 1, \"name\": \"x\"}\n");
    let old = Source { media_type: "text/csv", name: "a", size: 12, reader: &mut csv };
    let new = Source { media_type: "application/x-ndjson", name: "a", size: 23, reader: &mut lines };
    let Difference::Table(table) = compare(old, new, &Limits::default()).unwrap() else { panic!("tables") };
    assert!(
        table.columns_added.is_empty()
            && table.columns_removed.is_empty()
            && table.columns_retyped.is_empty()
    );
}

#[test]
fn images_of_equal_size_are_compared_by_pixels() {
    let old = picture(10, 10);
    let mut new = old.clone();
    (0..5).for_each(|x| new.get_pixel_mut(x, 0).0[0] = 200);
    let files = (image_file(old, ImageFormat::Png), image_file(new, ImageFormat::WebP));
    let Difference::Image(image) = differ("image/png", &files.0, &files.1) else { panic!("images") };
    assert_eq!((image.old.format, image.new.format, image.differing_share), ("png", "webp", Some(0.05)));
}

#[test]
fn images_of_different_size_are_not() {
    let files =
        (image_file(picture(10, 10), ImageFormat::Png), image_file(picture(10, 11), ImageFormat::Png));
    let Difference::Image(image) = differ("image/png", &files.0, &files.1) else { panic!("images") };
    assert_eq!((image.new.height, image.differing_share), (11, None));
    assert!(image.note.unwrap().contains("different sizes"));
}

#[test]
fn other_contents_are_compared_by_bytes() {
    let Difference::Bytes(bytes) = differ("application/octet-stream", b"\0abc", b"\0abd!") else {
        panic!("bytes")
    };
    assert_eq!((bytes.old_size, bytes.new_size, bytes.first_difference), (4, 5, Some(3)));
    let Difference::Bytes(bytes) = differ("application/octet-stream", b"\0abc", b"\0abcd") else {
        panic!("bytes")
    };
    assert_eq!(bytes.first_difference, Some(4));
}

#[test]
fn contents_of_different_kinds_are_compared_by_bytes() {
    let (mut old, mut new) = (Cursor::new(b"{}"), Cursor::new(b"PNG"));
    let old = Source { media_type: "application/json", name: "a", size: 2, reader: &mut old };
    let new = Source { media_type: "image/png", name: "a", size: 3, reader: &mut new };
    assert!(matches!(compare(old, new, &Limits::default()).unwrap(), Difference::Bytes(_)));
}
