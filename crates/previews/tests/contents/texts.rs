//! Text and bytes.

use upnext_previews::{Limits, Preview};

use crate::{show, show_within};

#[test]
fn a_short_text_is_shown_whole() {
    let Preview::Text(text) = show("text/plain; charset=utf-8", "log.txt", "grün\nblau\n".as_bytes()) else {
        panic!("a text")
    };
    assert_eq!((text.text.as_str(), text.lines, text.truncated), ("grün\nblau\n", 2, false));
}

#[test]
fn markup_is_shown_as_its_source() {
    for media_type in ["text/html", "image/svg+xml", "application/xml", "text/markdown"] {
        let Preview::Text(text) = show(media_type, "a", b"<script>alert(1)</script>") else {
            panic!("a text")
        };
        assert_eq!(text.text, "<script>alert(1)</script>");
    }
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let limits = Limits { text_bytes: 101, ..Limits::default() };
    let Preview::Text(text) = show_within(&limits, "text/plain", "a", "ä".repeat(100).as_bytes()) else {
        panic!("a text")
    };
    assert_eq!(text.text, "ä".repeat(50));
    assert!(text.truncated);
}

#[test]
fn a_text_of_many_lines_is_cut_after_some_of_them() {
    let limits = Limits { text_lines: 3, ..Limits::default() };
    let Preview::Text(text) = show_within(&limits, "text/plain", "a", b"1\n2\n3\n4\n") else {
        panic!("a text")
    };
    assert_eq!((text.text.as_str(), text.lines, text.truncated), ("1\n2\n3\n", 3, true));
}

#[test]
fn what_is_not_utf8_is_replaced() {
    let Preview::Text(text) = show("text/plain", "a", b"\xef\xbb\xbfa\xffb") else { panic!("a text") };
    assert_eq!(text.text, "a\u{fffd}b");
}

#[test]
fn unknown_bytes_are_shown_as_digits() {
    let Preview::Binary(binary) = show("application/octet-stream", "weights", b"\x00\x01\xff") else {
        panic!("bytes")
    };
    assert_eq!((binary.hex.as_str(), binary.looks_like, binary.truncated), ("0001ff", None, false));
    let Preview::Binary(binary) =
        show("", "weights", &[b"SQLite format 3\0".as_slice(), &[0; 1000]].concat())
    else {
        panic!("bytes")
    };
    assert_eq!((binary.hex.len(), binary.looks_like, binary.truncated), (1024, Some("sqlite"), true));
}

#[test]
fn media_has_no_preview() {
    for media_type in ["video/mp4", "audio/mpeg", "application/pdf"] {
        assert!(matches!(show(media_type, "a", b"%PDF-1.7"), Preview::None { .. }));
    }
}

#[test]
fn the_kind_is_told_in_json() {
    let json = serde_json::to_value(show("text/plain", "a", b"x")).unwrap();
    assert_eq!(json, serde_json::json!({"kind": "text", "text": "x", "lines": 1, "truncated": false}));
}
