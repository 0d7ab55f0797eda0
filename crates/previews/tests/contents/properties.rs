//! What holds for any content: there is an answer, and it stays within the limits.

use std::sync::LazyLock;

use image::ImageFormat;
use parquet::basic::Compression;
use parquet::file::properties::WriterVersion;
use proptest::prelude::*;
use upnext_previews::Limits;

use crate::files::{
    arrow_file, arrow_stream, batch, gzip, image_file, parquet_file, picture, tar_file, zip_file,
};
use crate::{differ_within, show_within};

const MEDIA_TYPES: [&str; 17] = [
    "text/plain",
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "text/tab-separated-values",
    "application/parquet",
    "application/vnd.apache.arrow.file",
    "application/vnd.apache.arrow.stream",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/zip",
    "application/x-tar",
    "application/gzip",
    "application/octet-stream",
    "",
];

fn limits() -> Limits {
    Limits {
        read_bytes: 64 << 10,
        unpacked_bytes: 256 << 10,
        text_bytes: 600,
        pixels: 10_000,
        thumbnail_side: 16,
        rows: 5,
        columns: 4,
        cell_chars: 10,
        row_bytes: 1000,
        entries: 5,
        depth: 4,
        compared_bytes: 4000,
        changes: 10,
        output_bytes: 2000,
        ..Limits::default()
    }
}

/// Nothing that is listed is longer than the limits, notes aside, whatever it was made of.
fn check(media_type: &str, bytes: &[u8], other: &[u8]) {
    let limits = limits();
    let preview = serde_json::to_vec(&show_within(&limits, media_type, "a", bytes)).unwrap();
    // The first 512 bytes as digits, or 600 bytes of text that become six characters each when escaped.
    assert!(preview.len() < 8000, "{media_type}: {} bytes", preview.len());
    let difference = serde_json::to_vec(&differ_within(&limits, media_type, bytes, other)).unwrap();
    assert!(difference.len() < 24_000, "{media_type}: {} bytes", difference.len());
}

/// Real files, to be damaged.
static FILES: LazyLock<Vec<(&'static str, Vec<u8>)>> = LazyLock::new(files);

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("application/parquet", parquet_file(20, Compression::SNAPPY, WriterVersion::PARQUET_1_0)),
        ("application/parquet", parquet_file(20, Compression::UNCOMPRESSED, WriterVersion::PARQUET_2_0)),
        ("application/vnd.apache.arrow.stream", arrow_stream(&[batch(7), batch(3)], false)),
        ("application/vnd.apache.arrow.stream", arrow_stream(&[batch(7)], true)),
        ("application/vnd.apache.arrow.file", arrow_file(&[batch(7)], true)),
        ("image/png", image_file(picture(20, 20), ImageFormat::Png)),
        ("image/jpeg", image_file(picture(20, 20), ImageFormat::Jpeg)),
        ("image/gif", image_file(picture(20, 20), ImageFormat::Gif)),
        ("image/webp", image_file(picture(20, 20), ImageFormat::WebP)),
        ("application/zip", zip_file(3)),
        ("application/x-tar", tar_file(3)),
        ("application/gzip", gzip(&tar_file(3))),
        ("application/json", br#"{"a": [1, 2.5, "x", {"b": null}], "c": true}"#.to_vec()),
        ("application/x-ndjson", b"{\"a\": 1}\n{\"a\": [2]}\n".to_vec()),
        ("text/csv", b"a,b\n1,\"x\ny\"\n".to_vec()),
    ]
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer_of_limited_size(
        bytes in proptest::collection::vec(any::<u8>(), 0..3000),
        other in proptest::collection::vec(any::<u8>(), 0..3000),
        media_type in proptest::sample::select(&MEDIA_TYPES[..]),
    ) {
        check(media_type, &bytes, &other);
    }

    #[test]
    fn any_text_gets_an_answer_of_limited_size(
        text in "([\\[\\]{}:,\"\\\\0-9a-zä \n;\t|-]|true|null|1e5|\"a\":){0,400}",
        other in "([\\[\\]{}:,\"0-9a-z \n]){0,400}",
        media_type in proptest::sample::select(&MEDIA_TYPES[..]),
    ) {
        check(media_type, text.as_bytes(), other.as_bytes());
    }

    #[test]
    fn any_document_is_shown(value in document(), other in document()) {
        check("application/json", value.to_string().as_bytes(), other.to_string().as_bytes());
        check("application/x-ndjson", format!("{value}\n{other}").as_bytes(), b"");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_damaged_file_gets_an_answer_of_limited_size(
        file in 0..15_usize,
        damages in proptest::collection::vec((any::<proptest::sample::Index>(), damage()), 1..4),
        cut in proptest::option::weighted(0.2, any::<proptest::sample::Index>()),
    ) {
        let (media_type, whole) = &FILES[file];
        let mut bytes = whole.clone();
        for (index, damage) in damages {
            let at = index.index(bytes.len());
            bytes[at] = damage;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(media_type, &bytes, whole);
    }
}

/// Bytes that stand for something in most formats, or any.
fn damage() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0_u8), Just(1), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()]
}

fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            proptest::collection::hash_map(".{0,12}", inner, 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}
