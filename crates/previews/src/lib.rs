//! Small, safe renderings of artifact content, and what differs between two contents.
//!
//! Owns which rendering a content gets, the decoders behind it and the limits they run under. Knows neither HTTP nor
//! storage: whoever has bytes that can be read and sought calls [`preview`] or [`compare`] on a thread that may block.
//! Content is written by strangers. So nothing here trusts a length it read, and whatever is wrong with a content is
//! part of the answer: the only error is a source that cannot be read.
//!
//! It is a crate of its own so that workers and the SDK do not link decoders of images and tables.

mod archive;
mod arrow;
mod brief;
mod compare;
mod delimited;
mod difference;
mod error;
mod json;
mod kind;
mod limits;
mod moment;
mod parquet;
mod picture;
mod preview;
mod render;
mod shield;
mod source;
mod table;
mod text;
mod unpack;
mod window;

pub use compare::compare;
pub use difference::{
    BytesDifference, ChangedValue, Difference, Hunk, HunkLine, ImageDifference, JsonDifference, LineChange,
    RetypedColumn, TableDifference, TextDifference, ValueChange,
};
pub use error::PreviewError;
pub use limits::Limits;
pub use preview::{
    ArchiveEntry, ArchivePreview, BinaryPreview, Column, EntryKind, ImageFacts, ImagePreview, JsonPreview,
    Member, Outline, Preview, TablePreview, TextPreview, Thumbnail,
};
pub use render::preview;
pub use source::{ReadSeek, Source};
