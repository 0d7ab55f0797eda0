//! Decompression of one piece whose size is known beforehand, which must neither exceed nor miss it.
//!
//! The codecs inside the readers of Parquet and Arrow trust the size a file claims, or write without any limit. Here a
//! piece is refused by its claim first and by what really comes out second.

use std::io::Read;

use ruzstd::decoding::StreamingDecoder;

/// How a piece is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Snappy,
    Gzip,
    Zstd,
    Lz4Block,
    Lz4Frame,
}

/// Bytes that may still be unpacked.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: u64,
    /// The most that one piece may become.
    piece: u64,
}

impl Allowance {
    pub(crate) const fn new(total: u64, piece: u64) -> Self {
        Self { left: total, piece }
    }

    /// Refuses a piece that is too large, before it is even read.
    pub(crate) fn check(&self, bytes: u64) -> Result<(), String> {
        if bytes > self.piece || bytes > self.left {
            return Err("it is stored in pieces that are too large for a preview".to_owned());
        }
        Ok(())
    }

    /// Takes a piece's memory from what is left, before the piece is made.
    pub(crate) fn claim(&mut self, bytes: u64) -> Result<(), String> {
        self.check(bytes)?;
        self.left -= bytes;
        Ok(())
    }
}

/// Unpacks a piece that says it has `size` bytes.
pub(crate) fn unpack(
    packing: Packing,
    packed: &[u8],
    size: u64,
    allowance: &mut Allowance,
) -> Result<Vec<u8>, String> {
    allowance.claim(size)?;
    let length = usize::try_from(size).map_err(|error| error.to_string())?;
    match packing {
        Packing::Snappy => {
            if snap::raw::decompress_len(packed).map_err(|error| error.to_string())? != length {
                return Err(wrong_size());
            }
            snap::raw::Decoder::new().decompress_vec(packed).map_err(|error| error.to_string())
        }
        Packing::Lz4Block => {
            let mut bytes = vec![0; length];
            let written =
                lz4_flex::block::decompress_into(packed, &mut bytes).map_err(|error| error.to_string())?;
            if written == length { Ok(bytes) } else { Err(wrong_size()) }
        }
        Packing::Gzip => read_exactly(flate2::read::MultiGzDecoder::new(packed), size),
        Packing::Lz4Frame => read_exactly(lz4_flex::frame::FrameDecoder::new(packed), size),
        Packing::Zstd => {
            // A window larger than the content would be memory for nothing; small ones are always granted.
            let window = size.max(8 << 20);
            let decoder = StreamingDecoder::new_with_max_window_size(packed, window)
                .map_err(|error| error.to_string())?;
            read_exactly(decoder, size)
        }
    }
}

fn read_exactly(decoder: impl Read, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    decoder.take(size + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(wrong_size()) }
}

fn wrong_size() -> String {
    "a packed piece does not have the size it claims".to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(packing: Packing, content: &[u8]) -> Vec<u8> {
        match packing {
            Packing::Snappy => snap::raw::Encoder::new().compress_vec(content).unwrap(),
            Packing::Lz4Block => lz4_flex::block::compress(content),
            Packing::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Lz4Frame => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Zstd => {
                ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
            }
        }
    }

    const ALL: [Packing; 5] =
        [Packing::Snappy, Packing::Gzip, Packing::Zstd, Packing::Lz4Block, Packing::Lz4Frame];

    #[test]
    fn every_packing_gives_back_what_was_packed() {
        let content = b"content ".repeat(1000);
        for packing in ALL {
            let mut allowance = Allowance::new(10_000, 10_000);
            let size = content.len() as u64;
            assert_eq!(unpack(packing, &packed(packing, &content), size, &mut allowance).unwrap(), content);
        }
    }

    #[test]
    fn a_piece_that_becomes_more_than_it_claims_is_refused() {
        let bomb = vec![0; 1 << 20];
        for packing in ALL {
            let mut allowance = Allowance::new(10_000, 10_000);
            unpack(packing, &packed(packing, &bomb), 100, &mut allowance).unwrap_err();
        }
    }

    #[test]
    fn a_claim_beyond_the_allowance_is_refused_before_memory_is_taken() {
        let mut allowance = Allowance::new(100, 60);
        allowance.claim(61).unwrap_err();
        allowance.claim(60).unwrap();
        allowance.claim(41).unwrap_err();
        unpack(Packing::Lz4Block, b"", u64::MAX, &mut allowance).unwrap_err();
    }
}
