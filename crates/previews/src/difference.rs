//! What a comparison says: one shape for each kind of content.

use serde::Serialize;

use crate::{Column, ImageFacts};

/// What differs between an old and a new content. In JSON its `kind` tells the shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// Nothing differs.
    Same {
        /// The size of both.
        size: u64,
    },
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

/// What differs between two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A place where two texts differ. Lines count from one; a start of zero stands before the first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HunkLine {
    /// Which text it is in.
    pub change: LineChange,
    /// The line without its end, or its beginning.
    pub text: String,
}

/// Which text a line is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineChange {
    /// In both.
    Context,
    /// In the new one.
    Added,
    /// In the old one.
    Removed,
}

/// What differs between two JSON documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueChange {
    /// Where: a JSON Pointer (RFC 6901).
    pub path: String,
    /// How.
    #[serde(flatten)]
    pub change: ChangedValue,
}

/// How a value differs. Values are JSON text, or its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ChangedValue {
    /// Only the new document has it.
    Added {
        /// The new value.
        new: String,
    },
    /// Only the old document has it.
    Removed {
        /// The old value.
        old: String,
    },
    /// It is another.
    Changed {
        /// The old value.
        old: String,
        /// The new value.
        new: String,
    },
}

/// What differs between two tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableDifference {
    /// Columns only the new table has.
    pub columns_added: Vec<Column>,
    /// Columns only the old table has.
    pub columns_removed: Vec<Column>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetypedColumn {
    /// Its name.
    pub name: String,
    /// Its type in the old table.
    pub old: String,
    /// Its type in the new table.
    pub new: String,
}

/// What differs between two images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageDifference {
    /// The old image.
    pub old: ImageFacts,
    /// The new image.
    pub new: ImageFacts,
    /// The share of pixels that differ, from 0 to 1, if both have the same size and could be decoded.
    pub differing_share: Option<f64>,
    /// Why the pixels were not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What differs between two contents nobody here understands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BytesDifference {
    /// Bytes of the old content.
    pub old_size: u64,
    /// Bytes of the new content.
    pub new_size: u64,
    /// Where the first difference is. Absent when it is not among the bytes that were compared.
    pub first_difference: Option<u64>,
    /// Why the contents were not compared in a richer way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
