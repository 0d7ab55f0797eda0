//! Arrow streams and files.

use serde_json::json;
use upnext_previews::{Limits, Preview, TablePreview};

use crate::files::{arrow_file, arrow_stream, batch};
use crate::{show, show_within};

fn table(preview: Preview) -> TablePreview {
    let Preview::Table(table) = preview else { panic!("a table, not {preview:?}") };
    table
}

#[test]
fn schema_rows_and_count_are_shown() {
    let batches = [batch(10), batch(5)];
    for packed in [false, true] {
        for bytes in [arrow_stream(&batches, packed), arrow_file(&batches[..1], packed)] {
            let file = bytes.starts_with(b"ARROW1");
            let table = table(show("application/octet-stream", "a.arrow", &bytes));
            assert_eq!(table.note, None);
            let rows = if file { 10 } else { 15 };
            assert_eq!(
                (table.total_rows, table.rows.len() as u64, table.truncated),
                (Some(rows), rows, false)
            );
            let types: Vec<_> = table.columns.iter().map(|column| column.data_type.as_str()).collect();
            assert_eq!(types[..3], ["Int32", "Utf8", "Dictionary(Int32, Utf8)"]);
            assert_eq!(
                table.rows[2],
                [
                    json!(null),
                    json!("text 2"),
                    json!("red"),
                    json!("[2, null]"),
                    json!(1.0),
                    json!(true),
                    json!("2022-01-10"),
                    json!("1970-01-01T00:00:02Z"),
                    json!(i64::MAX - 2),
                ]
            );
        }
    }
}

#[test]
fn batches_that_are_not_needed_are_only_counted() {
    let limits = Limits { rows: 4, columns: 2, ..Limits::default() };
    let batches: Vec<_> = (0..5).map(|_| batch(100)).collect();
    let table = table(show_within(&limits, "", "a.feather", &arrow_stream(&batches, true)));
    assert_eq!((table.rows.len(), table.columns.len()), (4, 2));
    assert_eq!((table.total_rows, table.total_columns, table.truncated), (Some(500), 9, true));
}

#[test]
fn a_batch_beyond_the_allowance_leaves_schema_and_count() {
    let limits = Limits { unpacked_bytes: 1000, ..Limits::default() };
    let table = table(show_within(&limits, "", "a.arrow", &arrow_stream(&[batch(1000)], true)));
    assert_eq!((table.rows.len(), table.total_rows, table.columns.len()), (0, Some(1000), 9));
    assert!(table.note.unwrap().contains("too large"));
}

#[test]
fn a_stream_that_was_cut_off_shows_what_arrived() {
    let bytes = arrow_stream(&[batch(10), batch(10)], false);
    let table = table(show("application/vnd.apache.arrow.stream", "a", &bytes[..bytes.len() - 200]));
    assert_eq!((table.rows.len(), table.total_rows), (10, None));
    assert!(table.note.unwrap().contains("ends inside"));
}

#[test]
fn what_is_not_arrow_says_so() {
    for bytes in [&b""[..], b"ARROW1\0\0", b"\xff\xff\xff\xff\xff\xff\xff\x7f", b"no arrow at all"] {
        assert!(matches!(show("", "a.arrow", bytes), Preview::None { .. }));
    }
}
