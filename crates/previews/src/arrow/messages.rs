//! The messages of a stream: their framing, their bodies, and bodies unpacked.
//!
//! Each buffer of a body is checked to lie inside it and apart from the others, and is unpacked within the allowance.
//! The library then gets a batch that is not packed, and needs no codec.

use std::io::{Seek, SeekFrom};

use arrow_buffer::Buffer;
use arrow_ipc::{BodyCompressionMethod, CompressionType, DictionaryBatch, RecordBatch, RecordBatchArgs};
use flatbuffers::{FlatBufferBuilder, VerifierOptions};

use crate::unpack::{Allowance, Packing, unpack};
use crate::window::Window;

const FILE_MARK: &[u8] = b"ARROW1\0\0";
const FILE_HEAD_BYTES: u64 = 128;
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Schemas are the largest headers: some hundred bytes for each column.
const MAX_HEADER_BYTES: u64 = 4 << 20;
/// More tables than this are a schema nobody looks at in a preview; a table in memory is larger than in the file.
const MAX_TABLES: usize = 200_000;
const MAX_DEPTH: usize = 48;
const ALIGNMENT: usize = 64;
/// Before a packed buffer stands its size; this one says that it is not packed after all.
const NOT_PACKED: i64 = -1;

/// The position in a stream.
pub(super) struct Messages {
    position: u64,
}

/// A header that was read, and where its body is.
pub(super) struct Message {
    header: Vec<u8>,
    body_start: u64,
    body_bytes: u64,
}

impl Messages {
    /// Finds the first message.
    pub(super) fn open(window: &mut Window<'_>) -> Result<Self, String> {
        let (head, _) = window.peek(FILE_HEAD_BYTES).map_err(|error| error.to_string())?;
        if !head.starts_with(FILE_MARK) {
            return Ok(Self { position: 0 });
        }
        // Writers fill up to eight bytes, or to their own larger alignment.
        let first = head.iter().skip(FILE_MARK.len()).position(|byte| *byte != 0);
        let first = FILE_MARK.len() + first.unwrap_or(0);
        Ok(Self { position: (first - first % FILE_MARK.len()) as u64 })
    }

    /// The next message, or None where the stream ends.
    pub(super) fn next(&mut self, window: &mut Window<'_>) -> Result<Option<Message>, String> {
        let read = |window: &mut Window<'_>, position, length| {
            window.exactly(position, length).map_err(|_| "the content ends inside a message".to_owned())
        };
        let mut word = read(window, self.position, 4)?;
        self.position += 4;
        if word == CONTINUATION {
            word = read(window, self.position, 4)?;
            self.position += 4;
        }
        let length = word.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        if length == 0 {
            return Ok(None);
        }
        if length > MAX_HEADER_BYTES {
            return Err(
                "the content is not Arrow, or has a header that is too large for a preview".to_owned()
            );
        }
        let header = read(window, self.position, length)?;
        self.position += length;
        let mut message = Message { header, body_start: self.position, body_bytes: 0 };
        message.body_bytes = u64::try_from(message.header()?.bodyLength()).map_err(|_| damaged())?;
        Ok(Some(message))
    }

    /// Goes behind the body of a message.
    pub(super) fn skip_body(&mut self, window: &mut Window<'_>, message: &Message) -> Result<(), String> {
        self.position = message.body_start.checked_add(message.body_bytes).ok_or_else(damaged)?;
        let size = window.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
        if self.position > size { Err("the content ends inside a message".to_owned()) } else { Ok(()) }
    }
}

impl Message {
    /// The header, checked.
    pub(super) fn header(&self) -> Result<arrow_ipc::Message<'_>, String> {
        let options =
            VerifierOptions { max_depth: MAX_DEPTH, max_tables: MAX_TABLES, ..VerifierOptions::default() };
        arrow_ipc::root_as_message_with_opts(&options, &self.header).map_err(|_| damaged())
    }

    /// Reads the body.
    pub(super) fn body(&self, window: &mut Window<'_>, allowance: &mut Allowance) -> Result<Vec<u8>, String> {
        allowance.claim(self.body_bytes)?;
        window.exactly(self.body_start, self.body_bytes).map_err(|error| error.to_string())
    }
}

fn damaged() -> String {
    "an Arrow message is damaged".to_owned()
}

/// A body whose buffers are not packed, and where they are in it.
pub(super) struct Unpacked {
    body: Buffer,
    buffers: Vec<arrow_ipc::Buffer>,
}

impl Unpacked {
    pub(super) fn new(
        batch: &RecordBatch<'_>,
        body: Vec<u8>,
        allowance: &mut Allowance,
    ) -> Result<Self, String> {
        let packing = packing(batch)?;
        let listed = batch.buffers().ok_or_else(damaged)?;
        let mut buffers = Vec::new();
        let (mut unpacked, mut seen) = (Vec::new(), 0_usize);
        for buffer in listed {
            let start = usize::try_from(buffer.offset()).map_err(|_| damaged())?;
            let length = usize::try_from(buffer.length()).map_err(|_| damaged())?;
            let end = start.checked_add(length).ok_or_else(damaged)?;
            let bytes = body.get(start..end).ok_or_else(damaged)?;
            // Buffers that share bytes would let a small body become many large arrays.
            seen = seen.checked_add(length).filter(|seen| *seen <= body.len()).ok_or_else(damaged)?;
            match packing {
                Some(packing) if length > 0 => {
                    buffers.push(append(&mut unpacked, packing, bytes, allowance)?);
                }
                Some(_) => buffers.push(arrow_ipc::Buffer::new(0, 0)),
                None => buffers.push(*buffer),
            }
        }
        let body = if packing.is_some() { unpacked } else { body };
        Ok(Self { body: Buffer::from_vec(body), buffers })
    }

    /// Calls back with the batch as it would be had it never been packed.
    pub(super) fn with_batch<T>(
        &self,
        batch: &RecordBatch<'_>,
        work: impl FnOnce(&Buffer, RecordBatch<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut builder = FlatBufferBuilder::new();
        let rebuilt = self.rebuild(&mut builder, batch);
        builder.finish_minimal(rebuilt);
        let rebuilt = flatbuffers::root::<RecordBatch<'_>>(builder.finished_data()).map_err(|_| damaged())?;
        work(&self.body, rebuilt)
    }

    /// The same for the batch inside a dictionary.
    pub(super) fn with_dictionary<T>(
        &self,
        dictionary: &DictionaryBatch<'_>,
        work: impl FnOnce(&Buffer, DictionaryBatch<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let batch = dictionary.data().ok_or_else(damaged)?;
        let mut builder = FlatBufferBuilder::new();
        let data = Some(self.rebuild(&mut builder, &batch));
        let arguments =
            arrow_ipc::DictionaryBatchArgs { id: dictionary.id(), data, isDelta: dictionary.isDelta() };
        let rebuilt = DictionaryBatch::create(&mut builder, &arguments);
        builder.finish_minimal(rebuilt);
        let rebuilt =
            flatbuffers::root::<DictionaryBatch<'_>>(builder.finished_data()).map_err(|_| damaged())?;
        work(&self.body, rebuilt)
    }

    fn rebuild<'b>(
        &self,
        builder: &mut FlatBufferBuilder<'b>,
        batch: &RecordBatch<'_>,
    ) -> flatbuffers::WIPOffset<RecordBatch<'b>> {
        let nodes: Vec<_> = batch.nodes().iter().flatten().copied().collect();
        let counts: Option<Vec<i64>> = batch.variadicBufferCounts().map(|counts| counts.iter().collect());
        let arguments = RecordBatchArgs {
            length: batch.length(),
            nodes: Some(builder.create_vector(&nodes)),
            buffers: Some(builder.create_vector(&self.buffers)),
            compression: None,
            variadicBufferCounts: counts.map(|counts| builder.create_vector(&counts)),
        };
        RecordBatch::create(builder, &arguments)
    }
}

fn packing(batch: &RecordBatch<'_>) -> Result<Option<Packing>, String> {
    let Some(compression) = batch.compression() else { return Ok(None) };
    match (compression.method(), compression.codec()) {
        (BodyCompressionMethod::BUFFER, CompressionType::LZ4_FRAME) => Ok(Some(Packing::Lz4Frame)),
        (BodyCompressionMethod::BUFFER, CompressionType::ZSTD) => Ok(Some(Packing::Zstd)),
        _ => Err("the batches are packed in a way previews do not know".to_owned()),
    }
}

/// Unpacks a buffer to the end of a body.
fn append(
    body: &mut Vec<u8>,
    packing: Packing,
    bytes: &[u8],
    allowance: &mut Allowance,
) -> Result<arrow_ipc::Buffer, String> {
    let (size, packed) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
    let size = i64::from_le_bytes(*size);
    let offset = body.len();
    if size == NOT_PACKED {
        allowance.claim(packed.len() as u64)?;
        body.extend_from_slice(packed);
    } else if size != 0 {
        let size = u64::try_from(size).map_err(|_| damaged())?;
        body.extend_from_slice(&unpack(packing, packed, size, allowance)?);
    }
    let length = body.len() - offset;
    body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
    let signed = |number: usize| i64::try_from(number).map_err(|_| damaged());
    Ok(arrow_ipc::Buffer::new(signed(offset)?, signed(length)?))
}
