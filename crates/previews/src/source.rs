//! What a preview is made of: bytes that can be read and sought, and what is said about them.

use std::io::{Read, Seek};

/// Bytes that can be read from any position. A file and a cursor are; ranges of a remote object can be made so.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// A content and what is said about it. It is read from its beginning, wherever the reader stands.
///
/// ```
/// use std::io::Cursor;
/// use upnext_previews::Source;
///
/// let mut bytes = Cursor::new(b"hello");
/// let source = Source { media_type: "text/plain", name: "hello.txt", size: 5, reader: &mut bytes };
/// assert_eq!(source.size, 5);
/// ```
pub struct Source<'a> {
    /// The stored content type, with or without parameters.
    pub media_type: &'a str,
    /// The artifact's name. Its extension decides when the type says nothing.
    pub name: &'a str,
    /// The number of bytes.
    pub size: u64,
    /// The bytes.
    pub reader: &'a mut dyn ReadSeek,
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Source")
            .field("media_type", &self.media_type)
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
