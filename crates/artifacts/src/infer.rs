//! What raw bytes are when nobody said it: by the name's extension, then by the first bytes.

use upnext_core::ArtifactType;

/// Extensions that the table of registered media types does not know, or knows by another word than this product.
const OWN: &[(&str, &str)] = &[
    ("arrow", "application/vnd.apache.arrow.file"),
    ("arrows", "application/vnd.apache.arrow.stream"),
    ("avro", "application/vnd.apache.avro"),
    ("feather", "application/vnd.apache.arrow.file"),
    ("geojson", "application/geo+json"),
    ("ipynb", "application/x-ipynb+json"),
    ("jsonl", "application/x-ndjson"),
    ("log", "text"),
    ("md", "text/markdown"),
    ("ndjson", "application/x-ndjson"),
    ("npy", "application/x-npy"),
    ("npz", "application/x-npz"),
    ("orc", "application/vnd.apache.orc"),
    ("parquet", "application/vnd.apache.parquet"),
    ("toml", "application/toml"),
    ("ts", "text/x-typescript"),
    ("tsv", "text/tab-separated-values"),
    ("xml", "file/xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
];

/// The type of raw bytes when the caller named none; [`ArtifactType::Binary`] when nothing gives it away. `head` are the
/// first bytes, some hundred of them if there are so many.
///
/// ```
/// use upnext_artifacts::infer_type;
/// assert_eq!(infer_type("plots/loss.PNG", b"").as_str(), "image/png");
/// assert_eq!(infer_type("table.parquet", b"").content_type(), "application/vnd.apache.parquet");
/// assert_eq!(infer_type("download", b"%PDF-1.7").as_str(), "file/pdf");
/// assert_eq!(infer_type("download", b"\0\x01").as_str(), "file/binary");
/// ```
#[must_use]
pub fn infer_type(name: &str, head: &[u8]) -> ArtifactType {
    from_extension(name).or_else(|| from_first_bytes(head)).unwrap_or(ArtifactType::Binary)
}

fn from_extension(name: &str) -> Option<ArtifactType> {
    let (_, extension) = name.rsplit('/').next()?.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let own = OWN.iter().find(|(known, _)| *known == extension).map(|(_, word)| *word);
    let word = own.or_else(|| mime_guess::from_ext(&extension).first_raw())?;
    // "Some bytes" is no knowledge: the bytes themselves may tell more.
    word.parse().ok().filter(|found| *found != ArtifactType::Binary)
}

fn from_first_bytes(head: &[u8]) -> Option<ArtifactType> {
    infer::get(head).and_then(|found| found.mime_type().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_goes_before_the_bytes() {
        assert_eq!(infer_type("a.csv", b"%PDF-1.7"), ArtifactType::Csv);
        assert_eq!(infer_type("a", b"%PDF-1.7"), ArtifactType::Pdf);
        assert_eq!(infer_type("a.bin", b"\x89PNG\r\n\x1a\n"), ArtifactType::Png);
        assert_eq!(infer_type("a", b"\0\0"), ArtifactType::Binary);
        assert_eq!(infer_type("v1.2/README", b""), ArtifactType::Binary);
    }

    #[test]
    fn every_named_type_has_an_extension() {
        let extensions = [
            "json", "txt", "png", "jpg", "webp", "gif", "svg", "pdf", "csv", "xml", "html", "log", "jpeg",
            "htm",
        ];
        let found: Vec<ArtifactType> =
            extensions.iter().map(|extension| infer_type(&format!("x.{extension}"), b"")).collect();
        for named in ArtifactType::named().filter(|named| *named != ArtifactType::Binary) {
            assert!(found.contains(&named), "{named}");
        }
        assert!(found.iter().all(|found| !matches!(found, ArtifactType::Media(_))), "{found:?}");
    }

    #[test]
    fn other_media_types_are_known() {
        for (name, media) in [
            ("talk.mp4", "video/mp4"),
            ("a.mp3", "audio/mpeg"),
            ("a.zip", "application/zip"),
            ("notes.md", "text/markdown"),
            ("run.ipynb", "application/x-ipynb+json"),
            ("data.jsonl", "application/x-ndjson"),
        ] {
            assert_eq!(infer_type(name, b"").as_str(), media);
        }
        for entry in OWN {
            assert!(entry.1.parse::<ArtifactType>().is_ok(), "{entry:?}");
        }
    }
}
