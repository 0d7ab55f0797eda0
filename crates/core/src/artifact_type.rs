//! What artifacts are: the twelve named types, and any other media type under its own name.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest media type that is accepted, in bytes.
const MAX_MEDIA_TYPE_BYTES: usize = 200;

/// What an artifact is, as callers name it: one of twelve words, or a media type.
///
/// ```
/// use upnext_core::ArtifactType;
/// assert_eq!("file/pdf".parse::<ArtifactType>()?.content_type(), "application/pdf");
/// assert_eq!("text/markdown".parse::<ArtifactType>()?.as_str(), "text/markdown");
/// assert_eq!("application/pdf".parse::<ArtifactType>()?, ArtifactType::Pdf);
/// assert!("pdf".parse::<ArtifactType>().is_err());
/// # Ok::<(), upnext_core::artifact::ParseTypeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ArtifactType {
    /// A JSON value: `json`.
    Json,
    /// UTF-8 text: `text`.
    Text,
    /// PNG image: `image/png`.
    Png,
    /// JPEG image: `image/jpeg`.
    Jpeg,
    /// WebP image: `image/webp`.
    Webp,
    /// GIF image: `image/gif`.
    Gif,
    /// SVG drawing: `image/svg`.
    Svg,
    /// PDF document: `file/pdf`.
    Pdf,
    /// Comma-separated table: `file/csv`.
    Csv,
    /// XML document: `file/xml`.
    Xml,
    /// HTML page: `file/html`.
    Html,
    /// Any bytes: `file/binary`.
    Binary,
    /// Anything else, under its own media type, for example `text/markdown`.
    Media(MediaType),
}

/// How the `data` of an artifact is written when it arrives as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON text, or a value that becomes JSON.
    Json,
    /// The text itself.
    Text,
    /// Base64 of the bytes.
    Base64,
}

/// The word and the media type of each named type.
const NAMED: [(ArtifactType, &str, &str); 12] = [
    (ArtifactType::Json, "json", "application/json"),
    (ArtifactType::Text, "text", "text/plain; charset=utf-8"),
    (ArtifactType::Png, "image/png", "image/png"),
    (ArtifactType::Jpeg, "image/jpeg", "image/jpeg"),
    (ArtifactType::Webp, "image/webp", "image/webp"),
    (ArtifactType::Gif, "image/gif", "image/gif"),
    (ArtifactType::Svg, "image/svg", "image/svg+xml"),
    (ArtifactType::Pdf, "file/pdf", "application/pdf"),
    (ArtifactType::Csv, "file/csv", "text/csv"),
    (ArtifactType::Xml, "file/xml", "application/xml"),
    (ArtifactType::Html, "file/html", "text/html"),
    (ArtifactType::Binary, "file/binary", "application/octet-stream"),
];

impl ArtifactType {
    /// The twelve named types, in the order of the reference table.
    pub fn named() -> impl Iterator<Item = Self> {
        NAMED.iter().map(|(named, ..)| named.clone())
    }

    /// The word for this type in SQL, JSON and Python.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Media(media) => media.essence(),
            named => facts(named).1,
        }
    }

    /// The media type under which the bytes are stored and served.
    #[must_use]
    pub fn content_type(&self) -> &str {
        match self {
            Self::Media(media) => media.as_str(),
            named => facts(named).2,
        }
    }

    /// The same without the parameters of a media type, which belong to the content type of one artifact.
    #[must_use]
    pub fn without_parameters(self) -> Self {
        match self {
            Self::Media(media) => Self::Media(MediaType { text: media.essence().into(), ..media }),
            named => named,
        }
    }

    /// How data for this type is written when it arrives as text. The twelve keep to their table; of other media types
    /// those that are text by nature are written as they are, the rest as base64.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        match self {
            Self::Json => Encoding::Json,
            Self::Text => Encoding::Text,
            Self::Media(media) if media.is_text() => Encoding::Text,
            _ => Encoding::Base64,
        }
    }

    /// What bytes of this type have to be. Only `json` and `text` promise something about their bytes.
    #[must_use]
    pub fn byte_rule(&self) -> Encoding {
        match self {
            Self::Json => Encoding::Json,
            Self::Text => Encoding::Text,
            _ => Encoding::Base64,
        }
    }
}

fn facts(named: &ArtifactType) -> &'static (ArtifactType, &'static str, &'static str) {
    NAMED.iter().find(|(candidate, ..)| candidate == named).expect("each named type stands in the table")
}

impl fmt::Display for ArtifactType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ArtifactType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A media type keeps its parameters, which its word as a type leaves out.
        serializer.serialize_str(match self {
            Self::Media(media) => media.as_str(),
            named => named.as_str(),
        })
    }
}

impl<'de> Deserialize<'de> for ArtifactType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is neither a named artifact type nor a media type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an artifact type: use one of json, text, image/png, image/jpeg, image/webp, image/gif, image/svg, \
     file/pdf, file/csv, file/xml, file/html, file/binary, or a media type such as text/markdown"
)]
pub struct ParseTypeError(String);

impl FromStr for ArtifactType {
    type Err = ParseTypeError;

    fn from_str(text: &str) -> Result<Self, ParseTypeError> {
        let trimmed = text.trim();
        let named = NAMED
            .iter()
            .find(|(_, word, _)| *word == trimmed)
            .or_else(|| NAMED.iter().find(|(.., media)| media.eq_ignore_ascii_case(trimmed)));
        match (named, trimmed.to_ascii_lowercase().as_str()) {
            (Some((named, ..)), _) => Ok(named.clone()),
            (None, "text/plain") => Ok(Self::Text),
            // `file/...` belongs to the named types alone: a slip there must not become a type of its own.
            (None, slip) if slip.starts_with("file/") => Err(ParseTypeError(shown(text))),
            (None, _) => {
                MediaType::parse(trimmed).map(Self::Media).ok_or_else(|| ParseTypeError(shown(text)))
            }
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A media type, `type/subtype` in lower case with its parameters as they were given. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MediaType {
    text: Arc<str>,
    essence: usize,
}

impl MediaType {
    /// Reads a media type by the grammar of RFC 9110, section 8.3.1; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        let names_fit = [kind, subtype].iter().all(|name| !name.is_empty() && name.bytes().all(is_token));
        let parameters_fit = parameters.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !names_fit || !parameters_fit || text.len() > MAX_MEDIA_TYPE_BYTES {
            return None;
        }
        let whole = match parameters.trim() {
            "" => essence.clone(),
            parameters => format!("{essence}; {parameters}"),
        };
        Some(Self { text: whole.into(), essence: essence.len() })
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without its parameters.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.text[..self.essence]
    }

    /// True for media types whose bytes are text that people write: `text/*`, and structured text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        const TEXTS: &[&str] = &[
            "application/javascript",
            "application/json5",
            "application/jsonl",
            "application/sql",
            "application/toml",
            "application/x-ndjson",
            "application/x-sh",
            "application/x-yaml",
            "application/yaml",
        ];
        let essence = self.essence();
        essence.starts_with("text/")
            || ["+json", "+xml", "+yaml"].iter().any(|suffix| essence.ends_with(suffix))
            || TEXTS.contains(&essence)
    }
}

/// The `tchar` of RFC 9110.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ArtifactType {
        text.parse().unwrap()
    }

    #[test]
    fn the_twelve_words_and_their_media_types_name_the_same() {
        for (named, word, media) in &NAMED {
            assert_eq!(parsed(word), *named);
            assert_eq!(parsed(media), *named);
            assert_eq!((named.as_str(), named.content_type()), (*word, *media));
        }
        assert_eq!(parsed("text/plain"), ArtifactType::Text);
        assert_eq!(ArtifactType::named().count(), 12);
    }

    #[test]
    fn other_media_types_keep_their_own_name() {
        let markdown = parsed(" Text/Markdown;variant=GFM ");
        assert_eq!(
            (markdown.as_str(), markdown.content_type()),
            ("text/markdown", "text/markdown; variant=GFM")
        );
        assert_eq!(markdown.encoding(), Encoding::Text);
        assert_eq!(parsed("text/plain; charset=latin-1").as_str(), "text/plain");
        assert_eq!(parsed("application/geo+json").encoding(), Encoding::Text);
        assert_eq!(parsed("video/mp4").encoding(), Encoding::Base64);
        assert_eq!(parsed("text/markdown").byte_rule(), Encoding::Base64);
    }

    #[test]
    fn what_is_no_type_says_which_there_are() {
        for bad in
            ["", "pdf", "file/pd", "a/", "/b", "a/b/c", "a b/c", "text/x\r\nSet-Cookie: x", "text/x; \u{e4}"]
        {
            let error = bad.parse::<ArtifactType>().unwrap_err().to_string();
            assert!(error.contains("use one of json, text") && error.contains("text/markdown"), "{error}");
        }
        assert!(format!("text/{}", "x".repeat(200)).parse::<ArtifactType>().is_err());
    }
}
