//! JSON documents and JSON lines.

use serde_json::json;
use upnext_previews::{Limits, Outline, Preview};

use crate::{show, show_within};

/// Limits under which any document is large.
fn small() -> Limits {
    Limits { text_bytes: 4, ..Limits::default() }
}

fn outline(limits: &Limits, bytes: &[u8]) -> (Outline, bool) {
    let Preview::Json(json) = show_within(limits, "application/json", "a", bytes) else {
        panic!("a document")
    };
    (json.outline.unwrap(), json.truncated)
}

#[test]
fn a_small_document_is_shown_indented() {
    let Preview::Json(json) = show("application/json", "a", br#"{"b":[1,2.50],"a":null}"#) else {
        panic!("a document")
    };
    assert_eq!(json.text.unwrap(), "{\n  \"b\": [\n    1,\n    2.50\n  ],\n  \"a\": null\n}");
    assert!(!json.truncated);
}

#[test]
fn a_notebook_is_a_document() {
    assert!(matches!(show("application/x-ipynb+json", "a.ipynb", b"{}"), Preview::Json(_)));
    assert!(matches!(show("", "a.ipynb", b"{}"), Preview::Json(_)));
}

#[test]
fn a_large_document_is_outlined() {
    let (outline, truncated) = outline(&small(), br#"{"rows": [1, "zwei", null, true], "n": 1.5}"#);
    assert!(!truncated);
    assert_eq!(
        serde_json::to_value(outline).unwrap(),
        json!({"type": "object", "length": 2, "complete": true, "members": [
            {"key": "rows", "value": {"type": "array", "length": 4, "complete": true, "items": [
                {"type": "number", "value": 1},
                {"type": "string", "value": "zwei", "length": 4},
                {"type": "null"},
                {"type": "boolean", "value": true},
            ]}},
            {"key": "n", "value": {"type": "number", "value": 1.5}},
        ]})
    );
}

#[test]
fn an_outline_counts_what_it_does_not_show() {
    let limits = Limits { entries: 2, depth: 2, cell_chars: 3, ..small() };
    let (outline, _) = outline(&limits, br#"[["deep", "er"], "abcdef", 3, 4]"#);
    let Outline::Array { length: 4, complete: true, items } = outline else { panic!("an array of four") };
    assert_eq!(items[0], Outline::Array { length: 2, complete: true, items: vec![] });
    assert_eq!(items[1], Outline::String { value: "abc…".to_owned(), length: 6 });
    assert_eq!(items.len(), 2);
}

#[test]
fn a_document_beyond_the_limit_is_outlined_as_far_as_it_was_read() {
    let limits = Limits { read_bytes: 1000, ..small() };
    let bytes = format!("{{\"first\": 1, \"rows\": [{}]}}", "7, ".repeat(10_000) + "7");
    let (outline, truncated) = outline(&limits, bytes.as_bytes());
    let Outline::Object { members, complete: false, .. } = outline else { panic!("an unfinished object") };
    assert!(truncated);
    let Outline::Array { length, complete: false, .. } = members[1].value else {
        panic!("an unfinished array")
    };
    assert!((300..340).contains(&length), "{length}");
}

#[test]
fn what_is_not_json_is_shown_as_text() {
    for bytes in [&b"{\"a\": }"[..], b"not json at all", b"\xff\xfe", b"{} {}", b""] {
        let Preview::Text(text) = show("application/json", "a.json", bytes) else { panic!("a text") };
        assert!(text.note.unwrap().contains("not JSON"));
        let Preview::Text(_) =
            show_within(&small(), "application/json", "a.json", &[b"[1,2,3] ", bytes, b"x"].concat())
        else {
            panic!("a text")
        };
    }
}

#[test]
fn lines_that_share_keys_are_a_table() {
    let bytes = b"{\"id\": 1, \"tags\": [\"a\"]}\n\n{\"id\": 2.5, \"name\": \"x\"}\n";
    let Preview::Table(table) = show("application/x-ndjson", "a", bytes) else { panic!("a table") };
    let columns: Vec<_> = table.columns.iter().map(|c| (c.name.as_str(), c.data_type.as_str())).collect();
    assert_eq!(columns, [("id", "number"), ("tags", "array"), ("name", "string")]);
    assert_eq!(
        table.rows,
        [vec![json!(1), json!("[\"a\"]"), json!(null)], vec![json!(2.5), json!(null), json!("x")]]
    );
    assert_eq!((table.total_rows, table.truncated), (Some(2), false));
}

#[test]
fn other_lines_are_a_list() {
    let Preview::Json(json) = show("", "a.jsonl", b"1\n\"two\"\n[3]") else { panic!("a list") };
    let Some(Outline::Array { length: 3, complete: true, items }) = json.outline else {
        panic!("three items")
    };
    assert_eq!(items.len(), 3);
}

#[test]
fn a_line_that_is_too_long_ends_the_table() {
    let limits = Limits { row_bytes: 100, ..Limits::default() };
    let bytes = format!("{{\"a\": 1}}\n{{\"a\": \"{}\"}}\n", "x".repeat(1000));
    let Preview::Table(table) = show_within(&limits, "application/x-ndjson", "a", bytes.as_bytes()) else {
        panic!("a table")
    };
    assert_eq!((table.rows.len(), table.total_rows, table.truncated), (1, None, true));
}
