//! The pages of a column: found, checked and unpacked here, decoded by the library.
//!
//! Pages are loaded up to the rows that are wanted. What a page claims is checked against what it has, because decoders
//! reserve memory by it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::RowGroupReader;
use parquet::record::reader::RowIter;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use super::page_header::{Body, Header, PageKind};
use super::thrift::{Compact, Flaw};
use crate::unpack::{Allowance, Packing, unpack};
use crate::window::Window;

/// Headers with statistics rarely need more; the second try is for those that do.
const HEADER_BYTES: [u64; 2] = [4 << 10, 256 << 10];
/// Values a page may claim to have where each row is one value. Pages of one repeated value hold many in few bytes.
const MAX_FLAT_VALUES: u32 = 16 << 20;
/// Values loaded of a column that repeats: the library gathers all values of a row in memory.
const MAX_REPEATED_VALUES: u32 = 1 << 20;
/// Values of a repeating column that are loaded for each wanted row, when pages do not tell their rows.
const REPEATED_VALUES_PER_ROW: u64 = 1000;

/// The loaded pages of some columns of a row group.
pub(super) struct Loaded {
    group: RowGroupMetaData,
    pages: Mutex<HashMap<usize, VecDeque<Page>>>,
}

/// Loads the first pages of each column in the schema.
pub(super) fn load(
    window: &mut Window<'_>,
    group: &RowGroupMetaData,
    schema: &SchemaDescriptor,
    rows: usize,
    allowance: &mut Allowance,
) -> Result<Loaded, String> {
    let mut pages = HashMap::new();
    for leaf in schema.columns() {
        let found = group.columns().iter().position(|chunk| chunk.column_path() == leaf.path());
        let index = found.ok_or_else(|| "a row group lacks the column".to_owned())?;
        let chunk = group.column(index);
        pages.insert(index, Chunk::new(chunk)?.load(window, rows, allowance)?);
    }
    Ok(Loaded { group: group.clone(), pages: Mutex::new(pages) })
}

/// Where a column of a row group is, and how far it was read.
struct Chunk<'m> {
    descriptor: &'m ColumnDescriptor,
    packing: Option<Packing>,
    position: u64,
    end: u64,
}

impl<'m> Chunk<'m> {
    fn new(chunk: &'m ColumnChunkMetaData) -> Result<Self, String> {
        let start = match chunk.dictionary_page_offset() {
            Some(offset) if offset > 0 && offset < chunk.data_page_offset() => offset,
            _ => chunk.data_page_offset(),
        };
        let position = u64::try_from(start).map_err(|_| damaged())?;
        let length = u64::try_from(chunk.compressed_size()).map_err(|_| damaged())?;
        let end = position.checked_add(length).ok_or_else(damaged)?;
        let packing = match chunk.compression() {
            Compression::UNCOMPRESSED => None,
            Compression::SNAPPY => Some(Packing::Snappy),
            Compression::GZIP(_) => Some(Packing::Gzip),
            Compression::ZSTD(_) => Some(Packing::Zstd),
            Compression::LZ4_RAW => Some(Packing::Lz4Block),
            other => {
                let name = format!("{other:?}").to_lowercase();
                let name = name.split('(').next().unwrap_or_default();
                return Err(format!("previews do not unpack {name}; download the file to see the rows"));
            }
        };
        Ok(Self { descriptor: chunk.column_descr(), packing, position, end })
    }

    fn load(
        mut self,
        window: &mut Window<'_>,
        wanted: usize,
        allowance: &mut Allowance,
    ) -> Result<VecDeque<Page>, String> {
        let mut pages = VecDeque::new();
        let (mut values, mut rows) = (0_u64, 0_u64);
        let repeats = self.descriptor.max_rep_level() > 0;
        let wanted = wanted as u64;
        while self.position < self.end && rows <= wanted {
            let Some(page) = self.next(window, allowance)? else { continue };
            match &page {
                Page::DictionaryPage { .. } => {}
                Page::DataPage { num_values, .. } => {
                    values += u64::from(*num_values);
                    rows = if repeats { values / REPEATED_VALUES_PER_ROW } else { values };
                }
                Page::DataPageV2 { num_values, num_rows, .. } => {
                    values += u64::from(*num_values);
                    rows += u64::from(*num_rows);
                }
            }
            if repeats && values > u64::from(MAX_REPEATED_VALUES) {
                return Err("its first rows have too many values for a preview".to_owned());
            }
            pages.push_back(page);
        }
        Ok(pages)
    }

    /// Reads the page at the position and goes behind it. None for a page of another kind.
    fn next(&mut self, window: &mut Window<'_>, allowance: &mut Allowance) -> Result<Option<Page>, String> {
        let header = self.header(window)?;
        let packed_size = header.packed_size.ok_or_else(damaged)?;
        if u64::from(packed_size) > self.end - self.position {
            return Err(damaged());
        }
        allowance.check(u64::from(packed_size))?;
        let packed =
            window.exactly(self.position, u64::from(packed_size)).map_err(|error| error.to_string())?;
        self.position += u64::from(packed_size);
        match header.body {
            None => Ok(None),
            Some(body) => {
                let content = self.content(packed, header.size.ok_or_else(damaged)?, &body, allowance)?;
                self.page(&body, content).map(Some)
            }
        }
    }

    fn header(&mut self, window: &mut Window<'_>) -> Result<Header, String> {
        for tried in HEADER_BYTES {
            let length = tried.min(self.end - self.position);
            // The chunk may claim to be longer than the file, so fewer bytes are no flaw yet.
            std::io::Seek::seek(window, std::io::SeekFrom::Start(self.position))
                .map_err(|error| error.to_string())?;
            let bytes = window.head(length).map_err(|error| error.to_string())?;
            let mut compact = Compact::new(&bytes);
            match Header::read(&mut compact) {
                Ok(header) => {
                    self.position += (bytes.len() - compact.remaining()) as u64;
                    return Ok(header);
                }
                Err(Flaw::Cut) if bytes.len() as u64 == tried => {}
                Err(flaw) => return Err(flaw.into()),
            }
        }
        Err(damaged())
    }

    /// The content of a page. In pages of the second version the levels at the front are never packed.
    fn content(
        &self,
        packed: Vec<u8>,
        size: u32,
        body: &Body,
        allowance: &mut Allowance,
    ) -> Result<Bytes, String> {
        let packing = self.packing.filter(|_| body.packed);
        let Some(packing) = packing else {
            allowance.claim(packed.len() as u64)?;
            return Ok(packed.into());
        };
        let levels = body.level_bytes().ok_or_else(damaged)?;
        let (levels, values) = packed.split_at_checked(levels).ok_or_else(damaged)?;
        let size = u64::from(size).checked_sub(levels.len() as u64).ok_or_else(damaged)?;
        let values = if size == 0 { Vec::new() } else { unpack(packing, values, size, allowance)? };
        Ok(if levels.is_empty() { values.into() } else { [levels, &values].concat().into() })
    }

    fn page(&self, body: &Body, buf: Bytes) -> Result<Page, String> {
        let num_values = body.values.ok_or_else(damaged)?;
        let encoding = body.encoding.ok_or_else(unknown_encoding)?;
        if body.kind == PageKind::Dictionary {
            self.check_dictionary(num_values, buf.len())?;
            return Ok(Page::DictionaryPage { buf, num_values, encoding, is_sorted: false });
        }
        let most = if self.descriptor.max_rep_level() > 0 { MAX_REPEATED_VALUES } else { MAX_FLAT_VALUES };
        if num_values > most {
            return Err("a page has too many values for a preview".to_owned());
        }
        // These decoders reserve memory by counts inside the data.
        if matches!(encoding, Encoding::DELTA_BYTE_ARRAY | Encoding::DELTA_LENGTH_BYTE_ARRAY) {
            return Err(format!("previews do not decode {encoding}; download the file to see the rows"));
        }
        if body.kind == PageKind::Data {
            return Ok(Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding: body.definition_encoding.ok_or_else(unknown_encoding)?,
                rep_level_encoding: body.repetition_encoding.ok_or_else(unknown_encoding)?,
                statistics: None,
            });
        }
        Ok(Page::DataPageV2 {
            buf,
            num_values,
            encoding,
            num_nulls: body.nulls.ok_or_else(damaged)?,
            num_rows: body.rows.ok_or_else(damaged)?,
            def_levels_byte_len: body.definition_bytes,
            rep_levels_byte_len: body.repetition_bytes,
            is_compressed: body.packed,
            statistics: None,
        })
    }

    /// A dictionary is decoded at once, so it must have the values it claims.
    fn check_dictionary(&self, values: u32, bytes: usize) -> Result<(), String> {
        use parquet::basic::Type as Physical;
        let least = match self.descriptor.physical_type() {
            Physical::INT64 | Physical::DOUBLE => 8,
            Physical::INT96 => 12,
            Physical::FIXED_LEN_BYTE_ARRAY => usize::try_from(self.descriptor.type_length()).unwrap_or(0),
            Physical::BOOLEAN => 0,
            _ => 4,
        };
        if least == 0 || values as usize > bytes / least { Err(damaged()) } else { Ok(()) }
    }
}

fn damaged() -> String {
    "a page is damaged".to_owned()
}

fn unknown_encoding() -> String {
    "a page has an unknown encoding".to_owned()
}

impl RowGroupReader for Loaded {
    fn metadata(&self) -> &RowGroupMetaData {
        &self.group
    }

    fn num_columns(&self) -> usize {
        self.group.num_columns()
    }

    fn get_column_page_reader(&self, index: usize) -> Result<Box<dyn PageReader>, ParquetError> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(Pages(pages.remove(&index).unwrap_or_default())))
    }

    fn get_column_bloom_filter(&self, _: usize) -> Option<&Sbbf> {
        None
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>, ParquetError> {
        RowIter::from_row_group(projection, self)
    }
}

/// Gives loaded pages to the library.
struct Pages(VecDeque<Page>);

impl Iterator for Pages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pop_front().map(Ok)
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        Ok(self.0.pop_front())
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        Ok(self.0.front().map(|page| PageMetadata {
            num_rows: None,
            num_levels: Some(page.num_values() as usize),
            is_dict: matches!(page, Page::DictionaryPage { .. }),
        }))
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.0.pop_front();
        Ok(())
    }
}
