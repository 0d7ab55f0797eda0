//! Which rendering a content gets: by its type, else by its name, else by its first bytes.

/// What a content is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Json,
    JsonLines,
    /// A text table, with the delimiter its type names.
    Delimited(Option<u8>),
    Parquet,
    Arrow,
    Image,
    Zip,
    Tar,
    Gzip,
    /// Played or shown by the browser itself.
    Media,
    Binary,
}

impl Kind {
    /// True for what can be shown as lines.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Json | Self::JsonLines | Self::Delimited(_))
    }

    /// True for what has rows and columns.
    pub(crate) const fn is_table(self) -> bool {
        matches!(self, Self::JsonLines | Self::Delimited(_) | Self::Parquet | Self::Arrow)
    }
}

/// The kind of a content with this type, name and beginning.
pub(crate) fn kind_of(media_type: &str, name: &str, head: &[u8]) -> Kind {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    by_media_type(&essence).or_else(|| by_extension(name)).unwrap_or_else(|| by_content(head))
}

fn by_media_type(essence: &str) -> Option<Kind> {
    let (top, sub) = essence.split_once('/')?;
    Some(match (top, sub) {
        (_, "csv" | "x-csv") => Kind::Delimited(None),
        (_, "tab-separated-values") => Kind::Delimited(Some(b'\t')),
        (_, "x-ndjson" | "ndjson" | "jsonl" | "x-jsonlines" | "jsonlines" | "json-seq") => Kind::JsonLines,
        (_, "json" | "x-ipynb+json") => Kind::Json,
        (_, sub) if sub.ends_with("+json") => Kind::Json,
        ("image", "png" | "jpeg" | "jpg" | "gif" | "webp") => Kind::Image,
        (_, "parquet" | "x-parquet" | "vnd.apache.parquet") => Kind::Parquet,
        (_, "arrow" | "feather" | "vnd.apache.arrow.file" | "vnd.apache.arrow.stream") => Kind::Arrow,
        (_, "zip" | "x-zip-compressed" | "java-archive") => Kind::Zip,
        (_, sub) if sub.ends_with("+zip") => Kind::Zip,
        (_, "x-tar" | "tar") => Kind::Tar,
        (_, "gzip" | "x-gzip" | "x-gtar" | "x-compressed-tar") => Kind::Gzip,
        ("audio" | "video", _) | (_, "pdf") => Kind::Media,
        ("text", _) => Kind::Text,
        (_, sub) if is_textual(sub) => Kind::Text,
        _ => return None,
    })
}

fn is_textual(subtype: &str) -> bool {
    const NAMES: [&str; 14] = [
        "xml",
        "svg",
        "svg+xml",
        "html",
        "yaml",
        "x-yaml",
        "toml",
        "javascript",
        "ecmascript",
        "typescript",
        "sql",
        "x-sh",
        "graphql",
        "x-tex",
    ];
    NAMES.contains(&subtype) || subtype.ends_with("+xml") || subtype.ends_with("+yaml")
}

fn by_extension(name: &str) -> Option<Kind> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "txt" | "log" | "md" | "markdown" | "rst" | "html" | "htm" | "xml" | "svg" | "yaml" | "yml"
        | "toml" | "ini" | "cfg" | "conf" | "env" | "py" | "rs" | "js" | "ts" | "tsx" | "jsx" | "css"
        | "sql" | "sh" | "c" | "h" | "cpp" | "go" | "java" | "rb" | "tex" | "diff" | "patch" => Kind::Text,
        "json" | "ipynb" | "geojson" => Kind::Json,
        "ndjson" | "jsonl" => Kind::JsonLines,
        "csv" => Kind::Delimited(None),
        "tsv" | "tab" => Kind::Delimited(Some(b'\t')),
        "parquet" | "pq" => Kind::Parquet,
        "arrow" | "arrows" | "feather" | "ipc" => Kind::Arrow,
        "png" | "jpg" | "jpeg" | "gif" | "webp" => Kind::Image,
        "zip" | "whl" | "jar" | "npz" | "docx" | "xlsx" | "pptx" | "epub" => Kind::Zip,
        "tar" => Kind::Tar,
        "gz" | "tgz" => Kind::Gzip,
        "pdf" | "mp3" | "wav" | "ogg" | "flac" | "m4a" | "mp4" | "webm" | "mov" | "mkv" | "avi" => {
            Kind::Media
        }
        _ => return None,
    })
}

fn by_content(head: &[u8]) -> Kind {
    match looks_like(head) {
        Some("png" | "jpeg" | "gif" | "webp") => Kind::Image,
        Some("parquet") => Kind::Parquet,
        Some("arrow") => Kind::Arrow,
        Some("zip") => Kind::Zip,
        Some("tar") => Kind::Tar,
        Some("gzip") => Kind::Gzip,
        Some("pdf" | "mp4" | "ogg" | "flac" | "mp3" | "wav") => Kind::Media,
        Some(_) => Kind::Binary,
        None if is_probably_text(head) => Kind::Text,
        None => Kind::Binary,
    }
}

/// Where formats put their mark, the mark, and the name it stands for.
const MARKS: [(usize, &[u8], &str); 26] = [
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF8", "gif"),
    (8, b"WEBP", "webp"),
    (0, b"%PDF-", "pdf"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"PAR1", "parquet"),
    (0, b"ARROW1", "arrow"),
    (0, b"SQLite format 3\x00", "sqlite"),
    (0, b"\x7fELF", "elf"),
    (0, b"\x00asm", "wasm"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"ID3", "mp3"),
    (4, b"ftyp", "mp4"),
    (8, b"WAVE", "wav"),
    (0, b"GGUF", "gguf"),
    (257, b"ustar", "tar"),
];

/// The format whose mark the first bytes carry.
pub(crate) fn looks_like(head: &[u8]) -> Option<&'static str> {
    MARKS
        .iter()
        .find(|(offset, mark, _)| head.get(*offset..).is_some_and(|rest| rest.starts_with(mark)))
        .map(|(_, _, name)| *name)
}

/// Text has no zero bytes and is UTF-8 up to a character that the head may have cut.
fn is_probably_text(head: &[u8]) -> bool {
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    utf8 && !head.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_decides_before_the_name() {
        assert_eq!(kind_of("text/csv; charset=utf-8", "a.json", b""), Kind::Delimited(None));
        assert_eq!(kind_of("application/vnd.api+json", "a", b""), Kind::Json);
        assert_eq!(kind_of("image/svg+xml", "a", b""), Kind::Text);
        assert_eq!(kind_of("video/mp4", "a", b""), Kind::Media);
    }

    #[test]
    fn the_name_decides_when_the_type_says_nothing() {
        assert_eq!(kind_of("application/octet-stream", "a/b.PARQUET", b""), Kind::Parquet);
        assert_eq!(kind_of("", "x.tgz", b""), Kind::Gzip);
    }

    #[test]
    fn the_first_bytes_decide_when_nothing_else_does() {
        assert_eq!(kind_of("application/octet-stream", "model", b"PAR1rest"), Kind::Parquet);
        assert_eq!(kind_of("", "notes", "grün".as_bytes()), Kind::Text);
        assert_eq!(kind_of("", "notes", &"grü".as_bytes()[..3]), Kind::Text);
        assert_eq!(kind_of("", "blob", b"a\x00b"), Kind::Binary);
        assert_eq!(kind_of("nonsense", "", b"\xff\xfe"), Kind::Binary);
    }
}
