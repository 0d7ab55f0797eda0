//! The arguments of one function call, laid end to end.

use upnext_core::Timestamp;

/// Arguments in their order. Numbers are written as digits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Args {
    pub(crate) fn add(&mut self, argument: impl AsRef<[u8]>) -> &mut Self {
        self.bytes.extend_from_slice(argument.as_ref());
        self.ends.push(self.bytes.len());
        self
    }

    pub(crate) fn number(&mut self, number: impl std::fmt::Display) -> &mut Self {
        use std::io::Write;
        // Writing into memory does not fail.
        let _ = write!(self.bytes, "{number}");
        self.ends.push(self.bytes.len());
        self
    }

    pub(crate) fn moment(&mut self, moment: Timestamp) -> &mut Self {
        self.number(moment.as_micros())
    }

    /// A number, or nothing.
    pub(crate) fn optional(&mut self, number: Option<impl std::fmt::Display>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.add(""),
        }
    }

    pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
        self.add(if flag { "1" } else { "0" })
    }

    /// Each of these.
    pub(crate) fn each(&mut self, arguments: impl IntoIterator<Item = impl AsRef<[u8]>>) -> &mut Self {
        for argument in arguments {
            self.add(argument);
        }
        self
    }

    /// The number of what `fill` adds, and then that.
    pub(crate) fn counted(&mut self, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let mut rest = Self::default();
        fill(&mut rest);
        self.number(rest.len()).append(&rest)
    }

    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| from + end));
        self
    }

    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they are together.
    pub(crate) const fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.bytes[begin..*end])
    }
}
