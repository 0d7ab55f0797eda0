//! The rules for serving an artifact's bytes: validators, and the file name of a download. Ranges are the business of
//! `byte_ranges`; what a browser may do with the bytes is decided in `content_policy`.

use axum::http::{HeaderMap, HeaderName, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `filename*` keeps as it is: the `attr-char` of RFC 8187.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `Content-Disposition` for an artifact's name: the last segment of the name, once for clients that know only ASCII and
/// once in full.
pub(crate) fn disposition(name: &str, download: bool) -> String {
    let kind = if download { "attachment" } else { "inline" };
    let file_name = file_name(name);
    let ascii: String = file_name.chars().map(plain).collect();
    let full = utf8_percent_encode(&file_name, NOT_ATTR_CHAR);
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}

fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|segment| !segment.is_empty()).unwrap_or_default();
    let shown: String = last.chars().filter(|c| !c.is_control() && !turns_text_around(*c)).collect();
    if shown.trim_matches([' ', '.']).is_empty() { "artifact".to_owned() } else { shown }
}

/// Characters that make `gpj.exe` look like `exe.jpg`.
pub(crate) fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn plain(c: char) -> char {
    let harmless =
        c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')' | '+' | ',' | '=' | '@');
    if harmless { c } else { '_' }
}

/// What a request asks of the content before it takes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Nothing stands against it.
    Met,
    /// The client has it already.
    NotModified,
    /// It is not what the client thinks it is.
    Failed,
}

/// Reads `If-Match` and `If-None-Match`. An `etag` that begins with `W/` is weak: it never satisfies `If-Match`.
pub(crate) fn precondition(headers: &HeaderMap, etag: &str) -> Precondition {
    if headers.contains_key(header::IF_MATCH)
        && !lists(headers, header::IF_MATCH).any(|tag| tag == "*" || same(tag, etag))
    {
        return Precondition::Failed;
    }
    if already_known(headers, etag) { Precondition::NotModified } else { Precondition::Met }
}

/// True when the client already has what `etag` names.
pub(crate) fn already_known(headers: &HeaderMap, etag: &str) -> bool {
    lists(headers, header::IF_NONE_MATCH).any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

/// What weak comparison looks at.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Strong comparison.
fn same(tag: &str, etag: &str) -> bool {
    tag == etag && !etag.starts_with("W/")
}

/// The entity tags of a header. Ours hold no commas.
fn lists(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn if_none_match_takes_lists_weak_tags_and_the_star() {
        for known in [ETAG, "\"x\", \"abc\"", "W/\"abc\"", "*"] {
            let headers = headers(&[(header::IF_NONE_MATCH, known)]);
            assert_eq!(precondition(&headers, ETAG), Precondition::NotModified, "{known}");
        }
        assert_eq!(precondition(&headers(&[(header::IF_NONE_MATCH, "\"x\"")]), ETAG), Precondition::Met);
        assert_eq!(precondition(&HeaderMap::new(), ETAG), Precondition::Met);
        let live = headers(&[(header::IF_NONE_MATCH, "W/\"live-17\"")]);
        assert_eq!(precondition(&live, "W/\"live-17\""), Precondition::NotModified);
    }

    #[test]
    fn if_match_takes_strong_tags_only() {
        for met in [ETAG, "\"x\", \"abc\"", "*"] {
            assert_eq!(precondition(&headers(&[(header::IF_MATCH, met)]), ETAG), Precondition::Met, "{met}");
        }
        for failed in ["\"x\"", "W/\"abc\"", ""] {
            assert_eq!(
                precondition(&headers(&[(header::IF_MATCH, failed)]), ETAG),
                Precondition::Failed,
                "{failed}"
            );
        }
        let live = headers(&[(header::IF_MATCH, "W/\"live-17\"")]);
        assert_eq!(precondition(&live, "W/\"live-17\""), Precondition::Failed);
    }

    #[test]
    fn hostile_names_make_harmless_headers() {
        assert_eq!(
            disposition("charts/größe \"1\".png", true),
            "attachment; filename=\"gr__e _1_.png\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.png"
        );
        assert_eq!(disposition("a\r\nSet-Cookie: x", false), disposition("aSet-Cookie: x", false));
        assert!(disposition("report\u{202e}gpj.exe", true).contains("reportgpj.exe"));
        for empty in ["/", "...", "a/..\\", "\u{202e}"] {
            let header = disposition(empty, true);
            assert!(header.is_ascii() && !header.contains("filename=\"\""), "{header}");
        }
    }
}
