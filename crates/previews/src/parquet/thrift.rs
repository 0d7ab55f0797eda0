//! As much of Thrift's compact protocol as it takes to look at a structure before somebody builds it in memory.

/// Deeper than any structure of the format.
const MAX_DEPTH: usize = 32;

/// The types of fields that are looked at.
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
const BYTE: u8 = 3;
pub(super) const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
pub(super) const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Why a structure cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It goes on after the end of the bytes.
    Cut,
    /// It breaks a rule.
    Broken,
}

impl From<Flaw> for String {
    fn from(_: Flaw) -> Self {
        "the metadata is damaged".to_owned()
    }
}

/// A field of a structure.
pub(super) struct Field {
    pub(super) id: i16,
    pub(super) kind: u8,
}

/// Reads from the front of some bytes.
pub(super) struct Compact<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Compact<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: 0 }
    }

    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    fn byte(&mut self) -> Result<u8, Flaw> {
        let (first, rest) = self.rest.split_first().ok_or(Flaw::Cut)?;
        self.rest = rest;
        Ok(*first)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Flaw::Cut)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Flaw> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Flaw::Broken)
    }

    fn count(&mut self) -> Result<usize, Flaw> {
        usize::try_from(self.varint()?).map_err(|_| Flaw::Broken)
    }

    fn zigzag(&mut self) -> Result<i64, Flaw> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(super) fn i32(&mut self) -> Result<i32, Flaw> {
        i32::try_from(self.zigzag()?).map_err(|_| Flaw::Broken)
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Flaw> {
        let count = self.count()?;
        self.bytes(count)
    }

    /// The next field of a structure whose last field had this id. None at its end.
    ///
    /// A field that comes back would let a reader see another value than was looked at here; no writer does that.
    pub(super) fn field(&mut self, last: &mut i16) -> Result<Option<Field>, Flaw> {
        let head = self.byte()?;
        let kind = head & 0x0f;
        if kind == 0 {
            return if head == 0 { Ok(None) } else { Err(Flaw::Broken) };
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.zigzag()?).map_err(|_| Flaw::Broken)?,
            delta => last.checked_add(i16::from(delta)).ok_or(Flaw::Broken)?,
        };
        if id <= *last {
            return Err(Flaw::Broken);
        }
        *last = id;
        Ok(Some(Field { id, kind }))
    }

    /// The type and the number of a list's elements, each of which takes at least a byte.
    pub(super) fn list(&mut self) -> Result<(u8, usize), Flaw> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.count()?,
            short => usize::from(short),
        };
        if count > self.rest.len() { Err(Flaw::Cut) } else { Ok((head & 0x0f, count)) }
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self, kind: u8) -> Result<(), Flaw> {
        if self.depth >= MAX_DEPTH {
            return Err(Flaw::Broken);
        }
        self.depth += 1;
        self.skip_value(kind)?;
        self.depth -= 1;
        Ok(())
    }

    fn skip_value(&mut self, kind: u8) -> Result<(), Flaw> {
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(drop),
            4..=I64 => self.varint().map(drop),
            DOUBLE => self.bytes(8).map(drop),
            UUID => self.bytes(16).map(drop),
            BINARY => self.binary().map(drop),
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(kind))
            }
            MAP => self.skip_map(),
            STRUCT => {
                let mut last = 0;
                while let Some(field) = self.field(&mut last)? {
                    self.skip(field.kind)?;
                }
                Ok(())
            }
            _ => Err(Flaw::Broken),
        }
    }

    fn skip_map(&mut self) -> Result<(), Flaw> {
        let count = self.count()?;
        if count == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        (0..count).try_for_each(|_| {
            self.skip_element(kinds >> 4)?;
            self.skip_element(kinds & 0x0f)
        })
    }

    /// In lists and maps a truth value takes a byte; as a field it is in the type.
    pub(super) fn skip_element(&mut self, kind: u8) -> Result<(), Flaw> {
        if matches!(kind, TRUE | FALSE) { self.byte().map(drop) } else { self.skip(kind) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_is_passed_over() {
        // 1: i32 = -1, 2: list of two truth values, 3: an empty structure
        let bytes = [0x15, 0x01, 0x19, 0x21, 0x01, 0x02, 0x1c, 0x00, 0x00, 0xff];
        let mut compact = Compact::new(&bytes);
        compact.skip(STRUCT).unwrap();
        assert_eq!(compact.remaining(), 1);
    }

    #[test]
    fn a_list_longer_than_its_bytes_and_a_field_that_comes_back_are_refused() {
        assert_eq!(Compact::new(&[0xf5, 0xff, 0xff, 0xff, 0x0f]).list(), Err(Flaw::Cut));
        let mut last = 3;
        assert_eq!(Compact::new(&[0x05, 0x04]).field(&mut last).map(drop), Err(Flaw::Broken));
    }

    #[test]
    fn deep_structures_are_refused() {
        assert_eq!(Compact::new(&[0x1c; 1000]).skip(STRUCT), Err(Flaw::Broken));
    }
}
