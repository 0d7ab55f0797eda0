//! The rules for serving an artifact's bytes: ranges, validators, the file name of a download. What a browser may do with
//! them is decided in `content_policy`.

use std::ops::Range;

use axum::http::{HeaderMap, header};
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
fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn plain(c: char) -> char {
    let harmless =
        c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')' | '+' | ',' | '=' | '@');
    if harmless { c } else { '_' }
}

/// True when the client already has what `etag` names.
pub(crate) fn already_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag)
}

/// Which part of the content a request wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// This part; it lies inside of the content and is not empty.
    Part(Range<u64>),
    /// A part that lies outside.
    Outside,
}

/// Reads `Range` and `If-Range`. What is not one well-formed byte range is passed over, as RFC 9110 allows.
pub(crate) fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE).and_then(|range| range.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE).map(str::trim) != Some(etag) {
        return Wanted::Whole;
    }
    let Some((first, last)) = range.split_once('-').map(|(first, last)| (first.trim(), last.trim())) else {
        return Wanted::Whole;
    };
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        _ => return Wanted::Whole,
    };
    if part.start < part.end { Wanted::Part(part) } else { Wanted::Outside }
}

/// A run of digits. One too large for 64 bits is further than any content reaches.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn range(value: &str, size: u64) -> Wanted {
        wanted(&headers(&[(header::RANGE, value)]), ETAG, size)
    }

    #[test]
    fn single_ranges_are_cut_to_the_content() {
        assert_eq!(range("bytes=0-3", 10), Wanted::Part(0..4));
        assert_eq!(range("bytes=4-", 10), Wanted::Part(4..10));
        assert_eq!(range("bytes=-3", 10), Wanted::Part(7..10));
        assert_eq!(range("bytes=-30", 10), Wanted::Part(0..10));
        assert_eq!(range("bytes=8-99999999999999999999999", 10), Wanted::Part(8..10));
    }

    #[test]
    fn ranges_outside_are_refused() {
        for outside in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(range(outside, 10), Wanted::Outside, "{outside}");
        }
        assert_eq!(range("bytes=0-", 0), Wanted::Outside);
    }

    #[test]
    fn what_is_no_single_range_means_everything() {
        for odd in ["bytes=3-1", "bytes=0-1,4-5", "bytes=a-b", "bytes=", "bytes=-", "lines=0-1", "bytes=+1-2"]
        {
            assert_eq!(range(odd, 10), Wanted::Whole, "{odd}");
        }
    }

    #[test]
    fn if_range_asks_for_the_same_content() {
        let with = |etag| headers(&[(header::RANGE, "bytes=0-0"), (header::IF_RANGE, etag)]);
        assert_eq!(wanted(&with(ETAG), ETAG, 10), Wanted::Part(0..1));
        for other in ["\"other\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(wanted(&with(other), ETAG, 10), Wanted::Whole, "{other}");
        }
    }

    #[test]
    fn if_none_match_takes_lists_weak_tags_and_the_star() {
        for known in [ETAG, "\"x\", \"abc\"", "W/\"abc\"", "*"] {
            assert!(already_known(&headers(&[(header::IF_NONE_MATCH, known)]), ETAG), "{known}");
        }
        assert!(!already_known(&headers(&[(header::IF_NONE_MATCH, "\"x\"")]), ETAG));
        assert!(!already_known(&HeaderMap::new(), ETAG));
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
