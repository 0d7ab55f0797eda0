//! What differs between two artifacts, on the wire.

use serde::Serialize;
use upnext_previews as previews;
use utoipa::ToSchema;

use super::mirrored;
use super::preview::{PreviewColumn, PreviewedArtifact};

/// What differs between an old artifact `a` and a new one `b`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactDifference {
    /// True when both have the same content.
    pub same: bool,
    /// The old one.
    pub a: PreviewedArtifact,
    /// The new one.
    pub b: PreviewedArtifact,
    /// What differs.
    pub difference: Difference,
}

/// What differs between an old and a new content; `kind` tells the shape.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// Nothing differs.
    Same(SameContent),
    /// Two texts, line by line.
    Text(TextDifference),
    /// Two JSON documents, value by value.
    Json(JsonDifference),
    /// Two tables, by their columns and numbers of rows.
    Table(TableDifference),
    /// Two images.
    Image(ImageDifference),
    /// Anything else, byte by byte.
    Bytes(BytesDifference),
}

/// Nothing differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SameContent {
    /// The size of both.
    pub size: u64,
}

/// What differs between two texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TextDifference {
    /// Lines only the new text has.
    pub added: usize,
    /// Lines only the old text has.
    pub removed: usize,
    /// Where they differ, with a few lines around.
    pub hunks: Vec<Hunk>,
    /// True when only the beginnings were compared, or not all hunks are listed.
    pub truncated: bool,
    /// Why something is missing, or why two contents of a richer kind were compared as text.
    pub note: Option<String>,
}

/// A place where two texts differ. Lines count from one; a start of zero stands before the first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Hunk {
    /// The first line in the old text.
    pub old_start: usize,
    /// How many lines of the old text.
    pub old_lines: usize,
    /// The first line in the new text.
    pub new_start: usize,
    /// How many lines of the new text.
    pub new_lines: usize,
    /// The lines.
    pub lines: Vec<HunkLine>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HunkLine {
    /// Which text it is in.
    pub change: LineChange,
    /// The line without its end, or its beginning.
    pub text: String,
}

mirrored! {
    /// Which text a line is in: both, only the new one, only the old one.
    LineChange of upnext_previews::LineChange {
        Context = "context",
        Added = "added",
        Removed = "removed",
    }
}

/// What differs between two JSON documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JsonDifference {
    /// Values only the new document has.
    pub added: usize,
    /// Values only the old document has.
    pub removed: usize,
    /// Values that are another.
    pub changed: usize,
    /// The first of them. Items of arrays are compared by their position.
    pub changes: Vec<ValueChange>,
    /// True when not all are listed, or time ran out.
    pub truncated: bool,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ValueChange {
    /// Where: a JSON Pointer (RFC 6901).
    pub path: String,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// The old value as JSON text, or its beginning; null when it was added.
    pub old: Option<String>,
    /// The new value as JSON text, or its beginning; null when it was removed.
    pub new: Option<String>,
}

/// What differs between two tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TableDifference {
    /// Columns only the new table has.
    pub columns_added: Vec<PreviewColumn>,
    /// Columns only the old table has.
    pub columns_removed: Vec<PreviewColumn>,
    /// Columns that have another type, if both tables have the same format.
    pub columns_retyped: Vec<RetypedColumn>,
    /// Rows of the old table, if known.
    pub old_rows: Option<u64>,
    /// Rows of the new table, if known.
    pub new_rows: Option<u64>,
    /// True when one has more columns than were compared.
    pub truncated: bool,
}

/// A column that has another type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RetypedColumn {
    /// Its name.
    pub name: String,
    /// Its type in the old table.
    pub old: String,
    /// Its type in the new table.
    pub new: String,
}

/// What differs between two images.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImageDifference {
    /// The old image.
    pub old: ImageFacts,
    /// The new image.
    pub new: ImageFacts,
    /// The share of pixels that differ, from 0 to 1, if both have the same size and could be decoded.
    pub differing_share: Option<f64>,
    /// Why the pixels were not compared.
    pub note: Option<String>,
}

/// What an image file says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImageFacts {
    /// `png`, `jpeg`, `gif` or `webp`.
    pub format: &'static str,
    /// Width in pixels as shown.
    pub width: u32,
    /// Height in pixels as shown.
    pub height: u32,
}

/// What differs between two contents nobody here understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BytesDifference {
    /// Bytes of the old content.
    pub old_size: u64,
    /// Bytes of the new content.
    pub new_size: u64,
    /// Where the first difference is. Null when it is not among the bytes that were compared.
    pub first_difference: Option<u64>,
    /// Why the contents were not compared in a richer way.
    pub note: Option<String>,
}

impl From<previews::Difference> for Difference {
    fn from(difference: previews::Difference) -> Self {
        use previews::Difference as Found;
        match difference {
            Found::Same { size } => Self::Same(SameContent { size }),
            Found::Text(text) => Self::Text(text.into()),
            Found::Json(json) => Self::Json(json.into()),
            Found::Table(table) => Self::Table(table.into()),
            Found::Image(image) => Self::Image(ImageDifference {
                old: image.old.into(),
                new: image.new.into(),
                differing_share: image.differing_share,
                note: image.note,
            }),
            Found::Bytes(previews::BytesDifference { old_size, new_size, first_difference, note }) => {
                Self::Bytes(BytesDifference { old_size, new_size, first_difference, note })
            }
        }
    }
}

impl From<previews::TextDifference> for TextDifference {
    fn from(text: previews::TextDifference) -> Self {
        let line = |line: previews::HunkLine| HunkLine { change: line.change.into(), text: line.text };
        let hunk = |hunk: previews::Hunk| Hunk {
            old_start: hunk.old_start,
            old_lines: hunk.old_lines,
            new_start: hunk.new_start,
            new_lines: hunk.new_lines,
            lines: hunk.lines.into_iter().map(line).collect(),
        };
        Self {
            added: text.added,
            removed: text.removed,
            hunks: text.hunks.into_iter().map(hunk).collect(),
            truncated: text.truncated,
            note: text.note,
        }
    }
}

impl From<previews::JsonDifference> for JsonDifference {
    fn from(json: previews::JsonDifference) -> Self {
        let change = |change: previews::ValueChange| {
            let (word, old, new) = match change.change {
                previews::ChangedValue::Added { new } => ("added", None, Some(new)),
                previews::ChangedValue::Removed { old } => ("removed", Some(old), None),
                previews::ChangedValue::Changed { old, new } => ("changed", Some(old), Some(new)),
            };
            ValueChange { path: change.path, change: word, old, new }
        };
        Self {
            added: json.added,
            removed: json.removed,
            changed: json.changed,
            changes: json.changes.into_iter().map(change).collect(),
            truncated: json.truncated,
        }
    }
}

impl From<previews::TableDifference> for TableDifference {
    fn from(table: previews::TableDifference) -> Self {
        let retyped = |column: previews::RetypedColumn| RetypedColumn {
            name: column.name,
            old: column.old,
            new: column.new,
        };
        Self {
            columns_added: table.columns_added.into_iter().map(Into::into).collect(),
            columns_removed: table.columns_removed.into_iter().map(Into::into).collect(),
            columns_retyped: table.columns_retyped.into_iter().map(retyped).collect(),
            old_rows: table.old_rows,
            new_rows: table.new_rows,
            truncated: table.truncated,
        }
    }
}

impl From<previews::ImageFacts> for ImageFacts {
    fn from(facts: previews::ImageFacts) -> Self {
        Self { format: facts.format, width: facts.width, height: facts.height }
    }
}
