//! What the header of a page claims, read before anything is reserved by it.

use parquet::basic::Encoding;

use super::thrift::{Compact, FALSE, Flaw, I32, STRUCT, TRUE};

/// The kinds of pages that hold values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageKind {
    Data,
    Dictionary,
    DataV2,
}

/// The header of a page, as far as it matters here. What is absent was not in it.
#[derive(Default)]
pub(super) struct Header {
    pub(super) size: Option<u32>,
    pub(super) packed_size: Option<u32>,
    pub(super) body: Option<Body>,
}

/// What a header says about one kind of page.
pub(super) struct Body {
    pub(super) kind: PageKind,
    pub(super) values: Option<u32>,
    pub(super) encoding: Option<Encoding>,
    pub(super) definition_encoding: Option<Encoding>,
    pub(super) repetition_encoding: Option<Encoding>,
    pub(super) nulls: Option<u32>,
    pub(super) rows: Option<u32>,
    pub(super) definition_bytes: u32,
    pub(super) repetition_bytes: u32,
    pub(super) packed: bool,
}

impl Header {
    pub(super) fn read(compact: &mut Compact<'_>) -> Result<Self, Flaw> {
        let (mut header, mut kind, mut last) = (Self::default(), None, 0);
        while let Some(field) = compact.field(&mut last)? {
            match (field.id, field.kind) {
                (1, I32) => {
                    kind = match compact.i32()? {
                        0 => Some(PageKind::Data),
                        2 => Some(PageKind::Dictionary),
                        3 => Some(PageKind::DataV2),
                        _ => None,
                    }
                }
                (2, I32) => header.size = Some(size(compact)?),
                (3, I32) => header.packed_size = Some(size(compact)?),
                (5, STRUCT) if kind == Some(PageKind::Data) => {
                    header.body = Some(Body::read(compact, PageKind::Data)?);
                }
                (7, STRUCT) if kind == Some(PageKind::Dictionary) => {
                    header.body = Some(Body::read(compact, PageKind::Dictionary)?);
                }
                (8, STRUCT) if kind == Some(PageKind::DataV2) => {
                    header.body = Some(Body::read(compact, PageKind::DataV2)?);
                }
                _ => compact.skip(field.kind)?,
            }
        }
        if kind.is_some() && header.body.is_none() { Err(Flaw::Broken) } else { Ok(header) }
    }
}

impl Body {
    fn read(compact: &mut Compact<'_>, kind: PageKind) -> Result<Self, Flaw> {
        let mut body = Self {
            kind,
            values: None,
            encoding: None,
            definition_encoding: None,
            repetition_encoding: None,
            nulls: None,
            rows: None,
            definition_bytes: 0,
            repetition_bytes: 0,
            packed: true,
        };
        let mut last = 0;
        while let Some(field) = compact.field(&mut last)? {
            match (kind, field.id, field.kind) {
                (_, 1, I32) => body.values = Some(size(compact)?),
                (PageKind::Data | PageKind::Dictionary, 2, I32) => body.encoding = encoding(compact.i32()?),
                (PageKind::Data, 3, I32) => body.definition_encoding = encoding(compact.i32()?),
                (PageKind::Data, 4, I32) => body.repetition_encoding = encoding(compact.i32()?),
                (PageKind::DataV2, 2, I32) => body.nulls = Some(size(compact)?),
                (PageKind::DataV2, 3, I32) => body.rows = Some(size(compact)?),
                (PageKind::DataV2, 4, I32) => body.encoding = encoding(compact.i32()?),
                (PageKind::DataV2, 5, I32) => body.definition_bytes = size(compact)?,
                (PageKind::DataV2, 6, I32) => body.repetition_bytes = size(compact)?,
                (PageKind::DataV2, 7, TRUE) => body.packed = true,
                (PageKind::DataV2, 7, FALSE) => body.packed = false,
                _ => compact.skip(field.kind)?,
            }
        }
        Ok(body)
    }

    /// Bytes of levels at the front of a page of the second version.
    pub(super) fn level_bytes(&self) -> Option<usize> {
        usize::try_from(self.definition_bytes.checked_add(self.repetition_bytes)?).ok()
    }
}

fn size(compact: &mut Compact<'_>) -> Result<u32, Flaw> {
    u32::try_from(compact.i32()?).map_err(|_| Flaw::Broken)
}

#[expect(deprecated, reason = "old writers name it for levels that a flat column does not have")]
const fn encoding(number: i32) -> Option<Encoding> {
    Some(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return None,
    })
}
