//! Which parts of a content a request wants (`Range` and `If-Range` of RFC 9110), and the body that carries several.
//!
//! Whoever asks may be hostile. Parts that touch or overlap become one, and a request with very many means everything:
//! no answer is larger than the content and a few headers.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// Most ranges that are read from one header; a request with more gets everything.
const MAX_RANGES: usize = 64;

/// Most parts of one answer. Each is a read of its own.
const MAX_PARTS: usize = 16;

/// Parts with fewer bytes between them become one: the headers of a further part are longer.
const GAP: u64 = 128;

/// What a request wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// These parts, in the order they were asked for. There is at least one; none is empty, and none meets another.
    Parts(Vec<Range<u64>>),
    /// Nothing that is in it.
    Outside,
}

/// Reads `Range` and `If-Range` for a content of `size` bytes. `etag` is its strong validator, if it has one. What is not
/// a well-formed set of byte ranges is passed over, as RFC 9110 allows.
pub(crate) fn wanted(headers: &HeaderMap, etag: Option<&str>, size: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let once = headers.get_all(header::RANGE).iter().count() == 1;
    let Some(set) = text(header::RANGE).filter(|_| once).and_then(byte_set) else { return Wanted::Whole };
    if headers.contains_key(header::IF_RANGE) && (etag.is_none() || text(header::IF_RANGE) != etag) {
        return Wanted::Whole;
    }
    let specs: Option<Vec<Spec>> = set.split(',').take(MAX_RANGES + 1).map(Spec::read).collect();
    match specs {
        Some(specs) if specs.len() <= MAX_RANGES => within(&specs, size),
        _ => Wanted::Whole,
    }
}

/// Where a stream is to begin that `Range: bytes=N-` asks for.
pub(crate) fn open_start(headers: &HeaderMap) -> Option<u64> {
    let set = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(byte_set)?;
    match Spec::read(set) {
        Some(Spec::From(first)) => Some(first),
        _ => None,
    }
}

fn byte_set(range: &str) -> Option<&str> {
    let (unit, set) = range.trim().split_once('=')?;
    unit.eq_ignore_ascii_case("bytes").then_some(set)
}

/// One range as it was asked for.
#[derive(Debug, Clone, Copy)]
enum Spec {
    Between(u64, u64),
    From(u64),
    Last(u64),
}

impl Spec {
    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').map(|(first, last)| (first.trim(), last.trim()))?;
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(Self::Between(first, last)),
            (Some(first), None) if last.is_empty() => Some(Self::From(first)),
            (None, Some(suffix)) if first.is_empty() => Some(Self::Last(suffix)),
            _ => None,
        }
    }

    /// The bytes it means in a content of `size` bytes; empty when there are none.
    fn within(self, size: u64) -> Range<u64> {
        match self {
            Self::Between(first, last) => first..last.saturating_add(1).min(size),
            Self::From(first) => first..size,
            Self::Last(suffix) => size.saturating_sub(suffix)..size,
        }
    }
}

/// A run of digits. One too large for 64 bits is further than any content reaches.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

fn within(specs: &[Spec], size: u64) -> Wanted {
    let inside = specs.iter().map(|spec| spec.within(size)).filter(|range| !range.is_empty());
    let mut ranges: Vec<(usize, Range<u64>)> = inside.enumerate().collect();
    ranges.sort_by_key(|(_, range)| range.start);
    let mut parts: Vec<(usize, Range<u64>)> = Vec::new();
    for (place, range) in ranges {
        match parts.last_mut() {
            Some((first, part)) if range.start <= part.end.saturating_add(GAP) => {
                part.end = part.end.max(range.end);
                *first = (*first).min(place);
            }
            _ => parts.push((place, range)),
        }
    }
    parts.sort_by_key(|(place, _)| *place);
    match parts.len() {
        0 => Wanted::Outside,
        1..=MAX_PARTS => Wanted::Parts(parts.into_iter().map(|(_, part)| part).collect()),
        _ => Wanted::Whole,
    }
}

/// `Content-Range` of one part.
pub(crate) fn content_range(part: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1))
}

/// The frame of a `multipart/byteranges` body.
#[derive(Debug)]
pub(crate) struct Frame {
    boundary: String,
    /// What stands before each part.
    pub(crate) heads: Vec<String>,
    /// What stands behind the last one.
    pub(crate) tail: String,
}

impl Frame {
    pub(crate) fn new(parts: &[Range<u64>], content_type: &str, size: u64) -> Self {
        // Random, so that no content can be made to hold it.
        let boundary = format!("upnext-{:032x}", fastrand::u128(..));
        let head = |(place, part): (usize, &Range<u64>)| {
            let before = if place == 0 { "" } else { "\r\n" };
            let range = content_range(part, size);
            format!("{before}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {range}\r\n\r\n")
        };
        let heads = parts.iter().enumerate().map(head).collect();
        let tail = format!("\r\n--{boundary}--\r\n");
        Self { boundary, heads, tail }
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// Length of the body, the parts included.
    pub(crate) fn length(&self, parts: &[Range<u64>]) -> u64 {
        let frame = self.heads.iter().map(String::len).sum::<usize>() + self.tail.len();
        frame as u64 + parts.iter().map(|part| part.end - part.start).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ETAG: &str = "\"abc\"";

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn range(value: &str, size: u64) -> Wanted {
        wanted(&headers(&[(header::RANGE, value)]), Some(ETAG), size)
    }

    fn part(part: Range<u64>) -> Wanted {
        Wanted::Parts(vec![part])
    }

    fn parts(parts: &[Range<u64>]) -> Wanted {
        Wanted::Parts(parts.to_vec())
    }

    #[test]
    fn single_ranges_are_cut_to_the_content() {
        for (value, expected) in [
            ("bytes=0-3", 0..4),
            ("bytes=4-", 4..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
            ("Bytes=1 - 2", 1..3),
            ("bytes=8-99999999999999999999999", 8..10),
        ] {
            assert_eq!(range(value, 10), part(expected), "{value}");
        }
    }

    #[test]
    fn ranges_outside_are_refused() {
        for outside in
            ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-", "bytes=10-,20-"]
        {
            assert_eq!(range(outside, 10), Wanted::Outside, "{outside}");
        }
        assert_eq!(range("bytes=0-", 0), Wanted::Outside);
    }

    #[test]
    fn what_is_no_set_of_ranges_means_everything() {
        for odd in
            ["bytes=3-1", "bytes=0-1,x", "bytes=a-b", "bytes=", "bytes=-", "lines=0-1", "bytes=+1-2", "bytes"]
        {
            assert_eq!(range(odd, 10), Wanted::Whole, "{odd}");
        }
        let twice = [(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=4-5")];
        let twice = twice.iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value.parse().unwrap());
            headers
        });
        assert_eq!(wanted(&twice, Some(ETAG), 10), Wanted::Whole);
    }

    #[test]
    fn several_ranges_keep_their_order_and_lose_what_lies_outside() {
        assert_eq!(range("bytes=5000-5999, 0-9,99999-", 10_000), parts(&[5000..6000, 0..10]));
        assert_eq!(range("bytes=-1,0-0", 10_000), parts(&[9999..10_000, 0..1]));
    }

    #[test]
    fn ranges_that_meet_become_one() {
        assert_eq!(range("bytes=0-4,5-9", 10_000), part(0..10));
        assert_eq!(range("bytes=0-,0-,0-,0-", 10_000), part(0..10_000));
        assert_eq!(range("bytes=900-999,0-49,40-100", 10_000), parts(&[900..1000, 0..101]));
        assert_eq!(range("bytes=0-0,100-100", 10_000), part(0..101), "with little between them");
    }

    #[test]
    fn too_many_ranges_mean_everything() {
        let many = |count: u64| {
            let ranges: Vec<String> = (0..count).map(|n| format!("{0}-{0}", n * 1000)).collect();
            format!("bytes={}", ranges.join(","))
        };
        assert!(matches!(range(&many(16), 1 << 30), Wanted::Parts(parts) if parts.len() == 16));
        assert_eq!(range(&many(17), 1 << 30), Wanted::Whole);
        assert_eq!(range(&many(65), 10), Wanted::Whole);
    }

    #[test]
    fn if_range_asks_for_the_same_content() {
        let with = |etag| headers(&[(header::RANGE, "bytes=0-0"), (header::IF_RANGE, etag)]);
        assert_eq!(wanted(&with(ETAG), Some(ETAG), 10), part(0..1));
        for other in ["\"other\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT", ""] {
            assert_eq!(wanted(&with(other), Some(ETAG), 10), Wanted::Whole, "{other}");
            assert_eq!(wanted(&with(other), None, 10), Wanted::Whole, "what may still change: {other}");
        }
    }

    #[test]
    fn only_an_open_range_says_where_to_begin() {
        let start = |value| open_start(&headers(&[(header::RANGE, value)]));
        assert_eq!(start("bytes=17-"), Some(17));
        for other in ["bytes=0-1", "bytes=-5", "bytes=1-,2-", "bytes=x", "17-"] {
            assert_eq!(start(other), None, "{other}");
        }
    }

    #[test]
    fn a_frame_knows_its_length() {
        let wanted = [0..2, 500..503];
        let frame = Frame::new(&wanted, "text/plain", 1000);
        let body = format!("{}ab{}cde{}", frame.heads[0], frame.heads[1], frame.tail);
        assert_eq!(frame.length(&wanted), body.len() as u64);
        assert!(
            body.contains("\r\n\r\nab\r\n--upnext-")
                && body.contains("Content-Range: bytes 500-502/1000\r\n")
        );
        assert!(body.ends_with(&format!("cde\r\n--{}--\r\n", frame.boundary)));
    }

    fn spec() -> impl Strategy<Value = String> {
        prop_oneof![
            (0..5000_u64, 0..5000_u64).prop_map(|(one, other)| format!(
                "{}-{}",
                one.min(other),
                one.max(other)
            )),
            (0..5000_u64).prop_map(|first| format!("{first}-")),
            (0..5000_u64).prop_map(|suffix| format!("-{suffix}")),
        ]
    }

    proptest! {
        #[test]
        fn no_answer_is_larger_than_the_content(text in "[ -~]{0,80}", size in 0..5000_u64) {
            check(&range(&format!("bytes={text}"), size), size);
        }

        #[test]
        fn every_byte_asked_for_is_in_the_answer(specs in prop::collection::vec(spec(), 1..80), size in 0..5000_u64) {
            let wanted = range(&format!("bytes={}", specs.join(", ")), size);
            check(&wanted, size);
            let asked: Vec<Range<u64>> = specs.iter().map(|text| Spec::read(text).unwrap().within(size)).collect();
            match wanted {
                Wanted::Whole => {}
                Wanted::Outside => prop_assert!(asked.iter().all(Range::is_empty)),
                Wanted::Parts(parts) => {
                    for range in asked.iter().filter(|range| !range.is_empty()) {
                        prop_assert!(parts.iter().any(|part| part.start <= range.start && range.end <= part.end));
                    }
                }
            }
        }
    }

    /// What holds for every answer.
    fn check(wanted: &Wanted, size: u64) {
        let Wanted::Parts(parts) = wanted else { return };
        assert!((1..=MAX_PARTS).contains(&parts.len()));
        let mut sorted = parts.clone();
        sorted.sort_by_key(|part| part.start);
        assert!(sorted.iter().all(|part| part.start < part.end && part.end <= size));
        assert!(sorted.windows(2).all(|pair| pair[0].end < pair[1].start));
    }
}
