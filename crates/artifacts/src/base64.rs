//! Strict base64: the standard alphabet with canonical padding, ASCII whitespace between any two characters, and
//! nothing else. What is wrong is said with its position.

use std::fmt;
use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Characters that are decoded at once by [`Decoder`]; a multiple of four.
const BLOCK: usize = 64 * 1024;

/// Why a text is not base64. Positions count characters from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotBase64 {
    /// A character that is neither of the alphabet nor whitespace.
    Foreign { character: char, position: usize },
    /// Padding where there is nothing to pad, or something after it.
    Padding { position: usize },
    /// The last group of four is not complete.
    CutOff { characters: usize },
    /// The last character before the padding carries bits that belong to no byte.
    ExtraBits { position: usize },
}

impl fmt::Display for NotBase64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { character, position } => {
                write!(f, "foreign character {character:?} at position {position}")
            }
            Self::Padding { position } => write!(f, "wrong padding at position {position}"),
            Self::CutOff { characters } => write!(
                f,
                "it holds {characters} characters, which is no multiple of four: the end or the padding is missing"
            ),
            Self::ExtraBits { position } => {
                write!(f, "the character at position {position} has bits that belong to no byte")
            }
        }
    }
}

/// Decodes a text that fits into memory.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotBase64> {
    // Nearly always there is no whitespace.
    if let Ok(bytes) = STANDARD.decode(text) {
        return Ok(bytes);
    }
    if !text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return Err(explain(text));
    }
    let mut compact = Vec::with_capacity(text.len());
    compact.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    STANDARD.decode(compact).map_err(|_| explain(text))
}

/// How many bytes a text without whitespace stands for; at most so many with whitespace.
pub(crate) fn decoded_length(text: &str) -> u64 {
    let padding = text.bytes().rev().take(2).filter(|byte| *byte == b'=').count();
    (text.len() as u64).div_ceil(4) * 3 - padding as u64
}

/// Says what is wrong with a text that could not be decoded.
fn explain(text: &str) -> NotBase64 {
    let mut characters = 0;
    let mut padding = 0;
    let mut last = (0, 0);
    for (position, character) in text.chars().enumerate() {
        match u8::try_from(character).ok().filter(u8::is_ascii) {
            Some(b'=') => {
                padding += 1;
                // Padding can only be the third and fourth character of a group.
                if padding > 2 || characters % 4 < 2 {
                    return NotBase64::Padding { position };
                }
                characters += 1;
            }
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => {
                if padding > 0 {
                    return NotBase64::Padding { position };
                }
                characters += 1;
                last = (position, byte);
            }
            Some(byte) if byte.is_ascii_whitespace() => {}
            _ => return NotBase64::Foreign { character, position },
        }
    }
    if characters % 4 != 0 {
        return NotBase64::CutOff { characters };
    }
    NotBase64::ExtraBits { position: last.0 }
}

/// Decodes a large text piece by piece. A wrong text ends with an error of kind
/// [`InvalidData`](io::ErrorKind::InvalidData) that holds the [`NotBase64`].
pub(crate) struct Decoder {
    text: String,
    /// Bytes of the text that were used.
    used: usize,
    compact: Vec<u8>,
    decoded: Vec<u8>,
    given: usize,
}

impl Decoder {
    pub(crate) fn new(text: String) -> Self {
        let compact = Vec::with_capacity(BLOCK);
        Self { text, used: 0, compact, decoded: vec![0; BLOCK / 4 * 3], given: 0 }
    }

    /// Decodes the next block.
    fn advance(&mut self) -> Result<(), NotBase64> {
        self.compact.clear();
        let rest = &self.text.as_bytes()[self.used..];
        let mut taken = 0;
        while self.compact.len() < BLOCK && taken < rest.len() {
            let end = rest.len().min(taken + BLOCK - self.compact.len());
            let piece = &rest[taken..end];
            self.compact.extend(piece.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
            taken = end;
        }
        self.used += taken;
        self.decoded.resize(BLOCK / 4 * 3, 0);
        let decoded = STANDARD.decode_slice(&self.compact, &mut self.decoded);
        let length = decoded.map_err(|_| explain(&self.text))?;
        self.decoded.truncate(length);
        self.given = 0;
        // Only the last block may be padded.
        let padded = self.compact.last() == Some(&b'=');
        let more = self.text.as_bytes()[self.used..].iter().any(|byte| !byte.is_ascii_whitespace());
        if padded && more { Err(explain(&self.text)) } else { Ok(()) }
    }
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == 0 {
            self.decoded.clear();
        }
        while self.given == self.decoded.len() {
            if self.used == self.text.len() {
                return Ok(0);
            }
            self.advance().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, Wrong(error)))?;
        }
        let length = buffer.len().min(self.decoded.len() - self.given);
        buffer[..length].copy_from_slice(&self.decoded[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

/// [`NotBase64`] as an error that travels in [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wrong(NotBase64);

/// The reason inside an error that [`Decoder`] gave, if it is one.
pub(crate) fn reason(error: &io::Error) -> Option<NotBase64> {
    error.get_ref()?.downcast_ref::<Wrong>().map(|wrong| wrong.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn streamed(text: &str) -> Result<Vec<u8>, NotBase64> {
        let mut bytes = Vec::new();
        match Decoder::new(text.to_owned()).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(reason(&error).unwrap()),
        }
    }

    fn both(text: &str) -> Result<Vec<u8>, NotBase64> {
        let decoded = decode(text);
        assert_eq!(streamed(text), decoded, "{text:?}");
        decoded
    }

    #[test]
    fn right_texts_with_and_without_whitespace() {
        for text in ["", " \n", "YQ==", "Y Q\r\n=\t=", "YWI=", "YWJj", "YWJjZA==\n", "+/+/"] {
            assert!(both(text).is_ok(), "{text:?}");
        }
        assert_eq!(both("aGVs\n bG8=\n"), Ok(b"hello".to_vec()));
    }

    #[test]
    fn wrong_texts_are_explained() {
        for (text, reason) in [
            ("YWJj!A==", NotBase64::Foreign { character: '!', position: 4 }),
            ("YW Jj\u{e9}A==", NotBase64::Foreign { character: '\u{e9}', position: 5 }),
            ("\u{e9}\u{e9}!", NotBase64::Foreign { character: '\u{e9}', position: 0 }),
            ("YW-_", NotBase64::Foreign { character: '-', position: 2 }),
            ("YWJ\u{b}j", NotBase64::Foreign { character: '\u{b}', position: 3 }),
            ("data:image/png;base64,YQ==", NotBase64::Foreign { character: ':', position: 4 }),
            ("YQ", NotBase64::CutOff { characters: 2 }),
            ("YQ=", NotBase64::CutOff { characters: 3 }),
            ("YWJjZ", NotBase64::CutOff { characters: 5 }),
            ("YQ==YQ==", NotBase64::Padding { position: 4 }),
            ("YQ===", NotBase64::Padding { position: 4 }),
            ("=", NotBase64::Padding { position: 0 }),
            ("YWJj====", NotBase64::Padding { position: 4 }),
            ("YQ=a", NotBase64::Padding { position: 3 }),
            ("YR==", NotBase64::ExtraBits { position: 1 }),
            ("YW\nJ=", NotBase64::ExtraBits { position: 3 }),
        ] {
            assert_eq!(both(text), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn padding_at_the_end_of_a_block_in_the_middle_is_wrong() {
        let mut text = "A".repeat(BLOCK - 2);
        text.push_str("==");
        assert!(both(&text).is_ok());
        text.push_str(" \n");
        assert!(both(&text).is_ok());
        text.push_str("AAAA");
        assert_eq!(both(&text), Err(NotBase64::Padding { position: BLOCK + 2 }));
    }

    #[test]
    fn lengths_are_known_before_decoding() {
        for length in 0..20 {
            let text = STANDARD.encode(vec![1; length]);
            assert_eq!(decoded_length(&text), length as u64);
        }
    }

    proptest! {
        #[test]
        fn what_the_base64_crate_writes_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(both(&STANDARD.encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn whitespace_changes_nothing(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            gaps in proptest::collection::vec((any::<proptest::sample::Index>(), "[ \t\r\n\u{c}]{1,3}"), 0..20),
        ) {
            let mut text = STANDARD.encode(&bytes);
            for (place, gap) in gaps {
                text.insert_str(place.index(text.len() + 1), &gap);
            }
            prop_assert_eq!(both(&text), Ok(bytes));
        }

        #[test]
        fn exactly_what_the_base64_crate_reads_is_read(text in "[AQgw+/=!a-]{0,12}") {
            prop_assert_eq!(both(&text).ok(), STANDARD.decode(&text).ok());
        }
    }
}
