//! What a preview may cost.

use std::time::Duration;

/// What one preview or one comparison may cost. The defaults keep a preview below 250 MiB of memory, which only the
/// largest images come near, and its answer below 1 MiB.
///
/// ```
/// use upnext_previews::Limits;
///
/// let limits = Limits { rows: 20, ..Limits::default() };
/// assert_eq!(limits.thumbnail_side, 512);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time, looked at whenever bytes are read or unpacked.
    pub time: Duration,
    /// Bytes read from each source.
    pub read_bytes: u64,
    /// Bytes that come out of decompression, all parts together.
    pub unpacked_bytes: u64,
    /// Bytes of a text shown, and the size up to which a JSON document is shown whole.
    pub text_bytes: usize,
    /// Lines of a text shown.
    pub text_lines: usize,
    /// Pixels of an image that is decoded; each takes up to four bytes.
    pub pixels: u64,
    /// The longest side of a thumbnail.
    pub thumbnail_side: u32,
    /// Rows of a table shown.
    pub rows: usize,
    /// Columns of a table shown.
    pub columns: usize,
    /// Characters of a cell, a name or a string inside an outline.
    pub cell_chars: usize,
    /// Bytes of one row of a text table, or of one JSON line.
    pub row_bytes: u64,
    /// Entries of an archive, and children of one node of an outline.
    pub entries: usize,
    /// Levels of an outline.
    pub depth: usize,
    /// Bytes of each side that are compared line by line or value by value.
    pub compared_bytes: u64,
    /// Lines of hunks, and changed values, that a comparison lists.
    pub changes: usize,
    /// Bytes of text or thumbnail in the answer, give or take one item.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(5),
            read_bytes: 32 << 20,
            unpacked_bytes: 64 << 20,
            text_bytes: 64 << 10,
            text_lines: 1000,
            pixels: 25_000_000,
            thumbnail_side: 512,
            rows: 50,
            columns: 100,
            cell_chars: 200,
            row_bytes: 1 << 20,
            entries: 500,
            depth: 8,
            compared_bytes: 2 << 20,
            changes: 1000,
            output_bytes: 512 << 10,
        }
    }
}
