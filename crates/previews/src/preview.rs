//! What a preview says: one shape for each kind of content.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A small rendering of a content. In JSON its `kind` tells the shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Preview {
    /// Text, source code, logs, markup. Never to be inserted into a page as markup.
    Text(TextPreview),
    /// A JSON document, or JSON lines that do not make a table.
    Json(JsonPreview),
    /// Rows and columns.
    Table(TablePreview),
    /// An image.
    Image(ImagePreview),
    /// Files inside a file.
    Archive(ArchivePreview),
    /// Bytes nobody here understands.
    Binary(BinaryPreview),
    /// There is more than a preview may read.
    TooLarge {
        /// A sentence for the reader.
        reason: String,
    },
    /// Nothing to show.
    None {
        /// A sentence for the reader.
        reason: String,
    },
}

/// The beginning of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TextPreview {
    /// The text. Bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Lines shown.
    pub lines: usize,
    /// True when the content goes on.
    pub truncated: bool,
    /// Why this is shown as text although its type promises something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A JSON document: whole when small, else its outline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JsonPreview {
    /// The indented text of a small document. Numbers and the order of keys are as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The structure of a large one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outline: Option<Outline>,
    /// True when the content goes on; lengths are then lower bounds where they say so.
    pub truncated: bool,
}

/// One value of a JSON document, described.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outline {
    /// `null`, or a value that was not reached.
    Null,
    /// `true` or `false`.
    Boolean {
        /// Which.
        value: bool,
    },
    /// A number.
    Number {
        /// Its value.
        value: serde_json::Number,
    },
    /// A string.
    String {
        /// Its beginning.
        value: String,
        /// Its length in characters.
        length: u64,
    },
    /// An array.
    Array {
        /// How many items it has, or at least has.
        length: u64,
        /// False when the end was not reached.
        complete: bool,
        /// The first of them.
        items: Vec<Outline>,
    },
    /// An object.
    Object {
        /// How many members it has, or at least has.
        length: u64,
        /// False when the end was not reached.
        complete: bool,
        /// The first of them.
        members: Vec<Member>,
    },
}

/// A member of an object in an outline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    /// The key, or its beginning.
    pub key: String,
    /// The value.
    pub value: Outline,
}

/// The first rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TablePreview {
    /// `csv`, `parquet`, `arrow` or `json_lines`.
    pub format: &'static str,
    /// The first columns.
    pub columns: Vec<Column>,
    /// The first rows, with a cell for each of `columns`. Nested values are given as brief text.
    pub rows: Vec<Vec<Value>>,
    /// How many columns there are.
    pub total_columns: u64,
    /// How many rows there are, when that is known without reading too much.
    pub total_rows: Option<u64>,
    /// True when there are more rows or columns than shown.
    pub truncated: bool,
    /// The delimiter of a text table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Whether the first line of a text table was taken as names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Why something is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name, or its beginning.
    pub name: String,
    /// Its type: as stored, or guessed from the first rows of a text table.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImagePreview {
    /// What the file says.
    #[serde(flatten)]
    pub facts: ImageFacts,
    /// The image made small. Absent when the image is too large or damaged.
    pub thumbnail: Option<Thumbnail>,
    /// Why there is no thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What an image file says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageFacts {
    /// `png`, `jpeg`, `gif` or `webp`.
    pub format: &'static str,
    /// Width in pixels as shown, that is after the orientation a camera noted.
    pub width: u32,
    /// Height in pixels as shown.
    pub height: u32,
}

/// An image made small, encoded afresh: nothing of the original file is in it but its pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thumbnail {
    /// `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The encoded image; in JSON as base64.
    #[serde(serialize_with = "as_base64")]
    pub bytes: Vec<u8>,
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// What is in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchivePreview {
    /// `zip`, `tar` or `tar.gz`.
    pub format: &'static str,
    /// The first entries, in the archive's order.
    pub entries: Vec<ArchiveEntry>,
    /// How many there are, when that is known.
    pub total_entries: Option<u64>,
    /// True when there are more than shown.
    pub truncated: bool,
    /// Why entries are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An entry of an archive. All of it is the archive's word, none of it was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchiveEntry {
    /// Its path as written. Not safe to use as one.
    pub path: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// Its size when unpacked.
    pub size: u64,
    /// Its size in the archive, where entries are compressed one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressed_size: Option<u64>,
}

/// What an entry of an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link.
    Link,
    /// A device or another thing that is not content.
    Other,
}

/// The beginning of bytes nobody here understands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BinaryPreview {
    /// The first bytes as hexadecimal digits.
    pub hex: String,
    /// What the first bytes look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks_like: Option<&'static str>,
    /// True when there are more bytes.
    pub truncated: bool,
}
