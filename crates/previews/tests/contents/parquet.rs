//! Parquet files.

use parquet::basic::Compression;
use parquet::file::properties::WriterVersion;
use serde_json::json;
use upnext_previews::{Limits, Preview, TablePreview};

use crate::files::parquet_file;
use crate::{show, show_within};

fn table(preview: Preview) -> TablePreview {
    let Preview::Table(table) = preview else { panic!("a table, not {preview:?}") };
    table
}

#[test]
fn schema_rows_and_count_are_shown() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW] {
            let table =
                table(show("application/vnd.apache.parquet", "a", &parquet_file(10, compression, version)));
            assert_eq!(table.note, None);
            assert_eq!((table.total_rows, table.rows.len(), table.truncated), (Some(20), 20, false));
            let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names, ["id", "day", "word", "moment", "numbers"]);
            assert_eq!(
                (table.columns[0].data_type.as_str(), table.columns[2].data_type.as_str()),
                ("int64", "string")
            );
            let row = [
                json!(3),
                json!(null),
                json!("blue"),
                json!("1970-01-01T00:00:03.000000001Z"),
                json!("[3, 4]"),
            ];
            assert_eq!(table.rows[3], row);
            assert_eq!(table.rows[10][1], json!("2022-01-08"));
        }
    }
}

#[test]
fn only_the_rows_that_are_wanted_are_read() {
    let limits = Limits { rows: 3, columns: 2, ..Limits::default() };
    let bytes = parquet_file(1000, Compression::SNAPPY, WriterVersion::PARQUET_1_0);
    let table = table(show_within(&limits, "", "a.parquet", &bytes));
    assert_eq!((table.rows.len(), table.columns.len()), (3, 2));
    assert_eq!((table.total_rows, table.total_columns, table.truncated), (Some(2000), 5, true));
}

#[test]
fn a_column_beyond_the_allowance_is_named_and_the_others_are_shown() {
    let limits = Limits { unpacked_bytes: 10_000, ..Limits::default() };
    let bytes = parquet_file(1000, Compression::SNAPPY, WriterVersion::PARQUET_1_0);
    let table = table(show_within(&limits, "", "a.parquet", &bytes));
    assert_eq!((table.total_rows, table.rows[0][0].clone()), (Some(2000), json!(0)));
    assert!(table.note.unwrap().contains("too large"));
}

#[test]
fn what_is_not_parquet_says_so() {
    for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\xffPAR1", b"long enough but no parquet"]
    {
        let Preview::None { reason } = show("application/parquet", "a", bytes) else { panic!("nothing") };
        assert!(!reason.is_empty());
    }
}
