//! The rules for data: what each type accepts, checked with constant memory.

use std::io::{self, BufReader, Read};

use serde::de::{Deserialize as _, IgnoredAny};
use upnext_core::artifact::Encoding;

/// What is wrong with data: the rule it breaks and the way out.
pub(crate) type Flaw = String;

/// Checks bytes in memory by [`ArtifactType::byte_rule`](upnext_core::ArtifactType::byte_rule).
pub(crate) fn check_bytes(rule: Encoding, bytes: &[u8]) -> Result<(), Flaw> {
    match rule {
        Encoding::Json => {
            let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(error.valid_up_to() as u64))?;
            check_json(text)
        }
        Encoding::Text => {
            std::str::from_utf8(bytes).map(drop).map_err(|error| text_flaw(error.valid_up_to() as u64))
        }
        Encoding::Base64 => Ok(()),
    }
}

/// Checks that a text is one JSON value and nothing more.
pub(crate) fn check_json(text: &str) -> Result<(), Flaw> {
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| json_flaw(&error))
}

/// Checks bytes that are read from somewhere. The outer error is the reader's.
pub(crate) fn check_reader(rule: Encoding, source: impl Read) -> io::Result<Result<(), Flaw>> {
    match rule {
        Encoding::Base64 => Ok(Ok(())),
        Encoding::Text => {
            let mut utf8 = Utf8Reader::new(source);
            let read = io::copy(&mut utf8, &mut io::sink());
            utf8.verdict(read.map(drop), text_flaw)
        }
        Encoding::Json => {
            let mut utf8 = Utf8Reader::new(source);
            let mut json =
                serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, &mut utf8));
            let parsed = IgnoredAny::deserialize(&mut json).and_then(|_| json.end());
            drop(json);
            match parsed {
                Err(error) if !error.is_io() => Ok(Err(json_flaw(&error))),
                parsed => utf8.verdict(parsed.map_err(io::Error::from), not_utf8),
            }
        }
    }
}

fn json_flaw(error: &serde_json::Error) -> Flaw {
    format!("the data is not JSON: {error}; pass one JSON value, or name another type")
}

fn not_utf8(position: u64) -> Flaw {
    format!(
        "the data is not JSON: the byte at position {position} is not UTF-8; pass one JSON value in UTF-8"
    )
}

fn text_flaw(position: u64) -> Flaw {
    format!(
        "the byte at position {position} is not UTF-8; pass UTF-8, or the type file/binary for other bytes"
    )
}

/// Passes bytes through and fails at the first one that is not UTF-8.
struct Utf8Reader<R> {
    source: R,
    /// Bytes that were seen to be UTF-8.
    valid: u64,
    /// The beginning of a character whose rest has not come yet.
    pending: Vec<u8>,
    flawed: bool,
}

impl<R: Read> Utf8Reader<R> {
    const fn new(source: R) -> Self {
        Self { source, valid: 0, pending: Vec::new(), flawed: false }
    }

    fn examine(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        // Finish the character that began before, at most three bytes of it.
        while !self.pending.is_empty() && !bytes.is_empty() {
            self.pending.push(bytes[0]);
            bytes = &bytes[1..];
            match std::str::from_utf8(&self.pending) {
                Ok(_) => {
                    self.valid += self.pending.len() as u64;
                    self.pending.clear();
                }
                Err(error) if error.error_len().is_some() => return Err(self.flaw()),
                Err(_) => {}
            }
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            self.valid += error.valid_up_to() as u64;
            if error.error_len().is_some() {
                return Err(self.flaw());
            }
            self.pending.extend_from_slice(&bytes[error.valid_up_to()..]);
        } else {
            self.valid += bytes.len() as u64;
        }
        Ok(())
    }

    fn flaw(&mut self) -> io::Error {
        self.flawed = true;
        io::Error::from(io::ErrorKind::InvalidData)
    }

    /// What the reading came to: the flaw found here takes the place of the error it caused.
    fn verdict(self, read: io::Result<()>, flaw: fn(u64) -> Flaw) -> io::Result<Result<(), Flaw>> {
        if self.flawed { Ok(Err(flaw(self.valid))) } else { read.map(Ok) }
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        if length == 0 && !buffer.is_empty() && !self.pending.is_empty() {
            return Err(self.flaw());
        }
        self.examine(&buffer[..length])?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives its bytes in pieces of the given length.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len());
            self.0.read(&mut buffer[..length])
        }
    }

    fn all_ways(rule: Encoding, bytes: &[u8]) -> Result<(), Flaw> {
        let at_once = check_bytes(rule, bytes);
        for piece in [1, 2, 3, 1000] {
            let read = check_reader(rule, Slow(bytes, piece)).unwrap();
            assert_eq!(read.is_ok(), at_once.is_ok(), "{bytes:?} in pieces of {piece}");
            if rule == Encoding::Text {
                assert_eq!(read, at_once, "{bytes:?} in pieces of {piece}");
            }
        }
        at_once
    }

    #[test]
    fn json_is_one_value_and_nothing_more() {
        for text in ["{}", " [1, \"\u{e4}\"] \n", "null", "1e999", "\"\\ud800\"", &"[".repeat(5000)] {
            let balanced = format!("{text}{}", "]".repeat(if text.starts_with("[[") { 5000 } else { 0 }));
            assert_eq!(all_ways(Encoding::Json, balanced.as_bytes()), Ok(()), "{text}");
        }
        for text in ["", "{", "{} {}", "{'a': 1}", "NaN", "[1,]", "\"a\nb\"", "\u{feff}{}"] {
            let flaw = all_ways(Encoding::Json, text.as_bytes()).unwrap_err();
            assert!(flaw.starts_with("the data is not JSON: "), "{flaw}");
        }
        assert!(all_ways(Encoding::Json, b"\"\xff\"").unwrap_err().contains("position 1 is not UTF-8"));
    }

    #[test]
    fn text_is_utf8() {
        assert_eq!(all_ways(Encoding::Text, "gr\u{fc}\u{df}e \u{1f980}".as_bytes()), Ok(()));
        for (bytes, position) in
            [(&b"ab\xffcd"[..], 2), (b"\xe4", 0), (b"abc\xf0\x9f\xa6", 3), (b"\xc0\x80", 0)]
        {
            let flaw = all_ways(Encoding::Text, bytes).unwrap_err();
            assert!(flaw.contains(&format!("position {position} is not UTF-8")), "{flaw}");
        }
    }

    #[test]
    fn other_types_take_any_bytes() {
        assert_eq!(all_ways(Encoding::Base64, b"\xff\xfe no png"), Ok(()));
    }

    proptest! {
        #[test]
        fn the_incremental_check_agrees_with_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let _ = all_ways(Encoding::Text, &bytes);
        }

        #[test]
        fn every_text_passes(text in "\\PC{0,40}") {
            prop_assert_eq!(all_ways(Encoding::Text, text.as_bytes()), Ok(()));
        }
    }
}
