//! Text tables.

use serde_json::json;
use upnext_previews::{Limits, Preview, TablePreview};

use crate::{show, show_within};

fn table(preview: Preview) -> TablePreview {
    let Preview::Table(table) = preview else { panic!("a table, not {preview:?}") };
    table
}

fn types(table: &TablePreview) -> Vec<(&str, &str)> {
    table.columns.iter().map(|column| (column.name.as_str(), column.data_type.as_str())).collect()
}

#[test]
fn names_types_and_rows_are_shown() {
    let bytes = b"city,people,share,capital,note\nBonn,330000,0.4,false,\n\"Berlin, DE\",3700000,4,true,\n";
    let table = table(show("text/csv", "a", bytes));
    assert_eq!(
        types(&table),
        [
            ("city", "text"),
            ("people", "integer"),
            ("share", "number"),
            ("capital", "boolean"),
            ("note", "empty")
        ]
    );
    assert_eq!(table.rows[1][0], json!("Berlin, DE"));
    assert_eq!((table.total_rows, table.truncated, table.header), (Some(2), false, Some(true)));
}

#[test]
fn a_table_without_names_gets_numbers() {
    let table = table(show("text/csv", "a", b"1;2\n3;4\n"));
    assert_eq!(types(&table), [("column 1", "integer"), ("column 2", "integer")]);
    assert_eq!((table.delimiter, table.header, table.total_rows), (Some(';'), Some(false), Some(2)));
}

#[test]
fn tabs_are_taken_by_their_type() {
    let table = table(show("text/tab-separated-values", "a", b"a,b\tc\n1,2\t3\n"));
    assert_eq!(types(&table), [("a,b", "text"), ("c", "integer")]);
}

#[test]
fn rows_and_columns_beyond_the_limits_are_counted() {
    let limits = Limits { rows: 2, columns: 1, ..Limits::default() };
    let table = table(show_within(&limits, "text/csv", "a", b"a,b\n1,2\n3,4\n5,6\n"));
    assert_eq!((table.rows.len(), table.columns.len()), (2, 1));
    assert_eq!((table.total_rows, table.total_columns, table.truncated), (Some(3), 2, true));
}

#[test]
fn a_table_beyond_the_limit_shows_whole_rows_only() {
    let limits = Limits { read_bytes: 40, ..Limits::default() };
    let table = table(show_within(&limits, "text/csv", "a", "a,b\n".repeat(20).as_bytes()));
    assert!(table.rows.iter().all(|row| row == &[json!("a"), json!("b")]));
    assert_eq!((table.total_rows, table.truncated), (None, true));
}

#[test]
fn ragged_rows_and_foreign_bytes_are_no_error() {
    let table = table(show("text/csv", "a", b"a,b\n1\n1,2,3\n\xff,\"un\n"));
    assert_eq!(table.total_columns, 3);
    assert!(table.rows.iter().all(|row| row.len() == 3));
}

#[test]
fn an_empty_table_is_empty() {
    let table = table(show("text/csv", "a", b""));
    assert_eq!((table.columns.len(), table.total_rows), (0, Some(0)));
}
