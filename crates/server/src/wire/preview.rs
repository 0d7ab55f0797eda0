//! Previews of artifacts on the wire.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use upnext_previews as previews;
use utoipa::ToSchema;

use super::{ArtifactStatus, mirrored};

/// A small rendering of an artifact's content, and which artifact it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactPreview {
    /// The artifact.
    pub artifact: PreviewedArtifact,
    /// The rendering.
    #[serde(flatten)]
    #[schema(value_type = Preview)]
    pub preview: Arc<Preview>,
}

/// What never changes about an artifact that is whole.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewedArtifact {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    #[schema(example = "json")]
    pub artifact_type: String,
    /// The media type under which its content is served.
    pub content_type: String,
    /// Length of its content; so far, while it is being written.
    pub size_bytes: u64,
    /// SHA-256 digest of its content, in hex. Null unless it is whole.
    pub sha256: Option<String>,
    /// Whether it is whole.
    pub status: ArtifactStatus,
}

impl From<&upnext_core::Artifact> for PreviewedArtifact {
    fn from(artifact: &upnext_core::Artifact) -> Self {
        Self {
            id: artifact.id.to_string(),
            name: artifact.name.clone(),
            artifact_type: artifact.artifact_type.as_str().to_owned(),
            content_type: artifact.content_type.clone(),
            size_bytes: artifact.size_bytes,
            sha256: artifact.sha256.map(|sha256| sha256.to_string()),
            status: artifact.status.into(),
        }
    }
}

/// A small rendering of a content; `kind` tells the shape.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
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
    TooLarge(NoPreview),
    /// Nothing to show.
    None(NoPreview),
}

/// Why there is nothing to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoPreview {
    /// A sentence for the reader.
    pub reason: String,
}

/// The beginning of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TextPreview {
    /// The text. Bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Lines shown.
    pub lines: usize,
    /// True when the content goes on.
    pub truncated: bool,
    /// Why this is shown as text although its type promises something else.
    pub note: Option<String>,
}

/// A JSON document: whole when small, else its outline.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JsonPreview {
    /// The indented text of a small document. Numbers and the order of keys are as stored.
    pub text: Option<String>,
    /// The structure of a large one.
    pub outline: Option<Outline>,
    /// True when the content goes on; lengths are then lower bounds where they say so.
    pub truncated: bool,
}

/// One value of a JSON document, described.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
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
        #[schema(value_type = f64)]
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
        #[schema(no_recursion)]
        items: Vec<Outline>,
    },
    /// An object.
    Object {
        /// How many members it has, or at least has.
        length: u64,
        /// False when the end was not reached.
        complete: bool,
        /// The first of them.
        members: Vec<OutlineMember>,
    },
}

/// A member of an object in an outline.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OutlineMember {
    /// The key, or its beginning.
    pub key: String,
    /// The value.
    #[schema(no_recursion)]
    pub value: Outline,
}

/// The first rows of a table.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TablePreview {
    /// `csv`, `parquet`, `arrow` or `json_lines`.
    pub format: &'static str,
    /// The first columns.
    pub columns: Vec<PreviewColumn>,
    /// The first rows, with a cell for each of `columns`. Nested values are given as brief text.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub rows: Vec<Vec<Value>>,
    /// How many columns there are.
    pub total_columns: u64,
    /// How many rows there are, when that is known without reading too much.
    pub total_rows: Option<u64>,
    /// True when there are more rows or columns than shown.
    pub truncated: bool,
    /// The delimiter of a text table.
    pub delimiter: Option<String>,
    /// Whether the first line of a text table was taken as names.
    pub header: Option<bool>,
    /// Why something is missing.
    pub note: Option<String>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PreviewColumn {
    /// Its name, or its beginning.
    pub name: String,
    /// Its type: as stored, or guessed from the first rows of a text table.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImagePreview {
    /// `png`, `jpeg`, `gif` or `webp`.
    pub format: &'static str,
    /// Width in pixels as shown, that is after the orientation a camera noted.
    pub width: u32,
    /// Height in pixels as shown.
    pub height: u32,
    /// The image made small. Null when the image is too large or damaged.
    pub thumbnail: Option<Thumbnail>,
    /// Why there is no thumbnail.
    pub note: Option<String>,
}

/// An image made small, encoded afresh: nothing of the original file is in it but its pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Thumbnail {
    /// `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The encoded image as base64.
    pub bytes: String,
}

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    pub note: Option<String>,
}

/// An entry of an archive. All of it is the archive's word, none of it was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ArchiveEntry {
    /// Its path as written. Not safe to use as one.
    pub path: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// Its size when unpacked.
    pub size: u64,
    /// Its size in the archive, where entries are compressed one by one.
    pub compressed_size: Option<u64>,
}

mirrored! {
    /// What an entry of an archive is.
    EntryKind of upnext_previews::EntryKind {
        File = "file",
        Folder = "folder",
        Link = "link",
        Other = "other",
    }
}

/// The beginning of bytes nobody here understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BinaryPreview {
    /// The first bytes as hexadecimal digits.
    pub hex: String,
    /// What the first bytes look like.
    pub looks_like: Option<&'static str>,
    /// True when there are more bytes.
    pub truncated: bool,
}

impl From<previews::Preview> for Preview {
    fn from(preview: previews::Preview) -> Self {
        use previews::Preview as Made;
        match preview {
            Made::Text(previews::TextPreview { text, lines, truncated, note }) => {
                Self::Text(TextPreview { text, lines, truncated, note })
            }
            Made::Json(previews::JsonPreview { text, outline, truncated }) => {
                Self::Json(JsonPreview { text, outline: outline.map(Into::into), truncated })
            }
            Made::Table(table) => Self::Table(table.into()),
            Made::Image(image) => Self::Image(image.into()),
            Made::Archive(archive) => Self::Archive(archive.into()),
            Made::Binary(previews::BinaryPreview { hex, looks_like, truncated }) => {
                Self::Binary(BinaryPreview { hex, looks_like, truncated })
            }
            Made::TooLarge { reason } => Self::TooLarge(NoPreview { reason }),
            Made::None { reason } => Self::None(NoPreview { reason }),
        }
    }
}

impl From<previews::Outline> for Outline {
    fn from(outline: previews::Outline) -> Self {
        use previews::Outline as Made;
        match outline {
            Made::Null => Self::Null,
            Made::Boolean { value } => Self::Boolean { value },
            Made::Number { value } => Self::Number { value },
            Made::String { value, length } => Self::String { value, length },
            Made::Array { length, complete, items } => {
                Self::Array { length, complete, items: items.into_iter().map(Into::into).collect() }
            }
            Made::Object { length, complete, members } => {
                let member =
                    |member: previews::Member| OutlineMember { key: member.key, value: member.value.into() };
                Self::Object { length, complete, members: members.into_iter().map(member).collect() }
            }
        }
    }
}

impl From<previews::TablePreview> for TablePreview {
    fn from(table: previews::TablePreview) -> Self {
        Self {
            format: table.format,
            columns: table.columns.into_iter().map(Into::into).collect(),
            rows: table.rows,
            total_columns: table.total_columns,
            total_rows: table.total_rows,
            truncated: table.truncated,
            delimiter: table.delimiter.map(String::from),
            header: table.header,
            note: table.note,
        }
    }
}

impl From<previews::Column> for PreviewColumn {
    fn from(column: previews::Column) -> Self {
        Self { name: column.name, data_type: column.data_type }
    }
}

impl From<previews::ImagePreview> for ImagePreview {
    fn from(image: previews::ImagePreview) -> Self {
        let previews::ImageFacts { format, width, height } = image.facts;
        let thumbnail = image.thumbnail.map(|thumbnail| Thumbnail {
            media_type: thumbnail.media_type,
            width: thumbnail.width,
            height: thumbnail.height,
            bytes: STANDARD.encode(thumbnail.bytes),
        });
        Self { format, width, height, thumbnail, note: image.note }
    }
}

impl From<previews::ArchivePreview> for ArchivePreview {
    fn from(archive: previews::ArchivePreview) -> Self {
        let entry = |entry: previews::ArchiveEntry| ArchiveEntry {
            path: entry.path,
            kind: entry.kind.into(),
            size: entry.size,
            compressed_size: entry.compressed_size,
        };
        Self {
            format: archive.format,
            entries: archive.entries.into_iter().map(entry).collect(),
            total_entries: archive.total_entries,
            truncated: archive.truncated,
            note: archive.note,
        }
    }
}
