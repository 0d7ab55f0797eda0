//! Contents that are made to cost more than they seem. Memory is measured, so these tests run one after the other.

#![allow(clippy::unwrap_used, reason = "a helper of a test is a test")]

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use peak_alloc::PeakAlloc;
use upnext_previews::{Difference, Limits, Outline, Preview, Source, compare, preview};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;
static ALONE: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;

/// The default limits on a machine that is busy: what ends these previews is never the clock.
fn patient() -> Limits {
    Limits { time: Duration::from_secs(600), ..Limits::default() }
}

/// Runs alone and gives the memory that was used at most, beyond what was there before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let answer = work();
    (answer, MEMORY.peak_usage().saturating_sub(before))
}

fn show(media_type: &str, bytes: &[u8], most: usize) -> Preview {
    let mut reader = Cursor::new(bytes);
    let source = Source { media_type, name: "a", size: bytes.len() as u64, reader: &mut reader };
    let (shown, used) = peak(|| preview(source, &patient()).unwrap());
    assert!(used < most, "{media_type} took {} MiB", used / MIB);
    shown
}

/// A content that is made while it is read.
struct Generated<F> {
    size: u64,
    position: u64,
    read: u64,
    byte_at: F,
}

impl<F: Fn(u64) -> u8> Generated<F> {
    const fn new(size: u64, byte_at: F) -> Self {
        Self { size, position: 0, read: 0, byte_at }
    }
}

impl<F: Fn(u64) -> u8> Read for Generated<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(usize::try_from(self.size.saturating_sub(self.position)).unwrap());
        for (byte, position) in buffer[..count].iter_mut().zip(self.position..) {
            *byte = (self.byte_at)(position);
        }
        self.position += count as u64;
        self.read += count as u64;
        Ok(count)
    }
}

impl<F> Seek for Generated<F> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let position = match position {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Shows a generated content; gives the bytes that were read and the memory that was used.
fn show_generated(media_type: &str, size: u64, byte_at: impl Fn(u64) -> u8 + Send) -> (Preview, u64, usize) {
    let mut reader = Generated::new(size, byte_at);
    let source = Source { media_type, name: "a", size, reader: &mut reader };
    let (shown, used) = peak(|| preview(source, &patient()).unwrap());
    (shown, reader.read, used)
}

#[test]
fn a_json_document_of_1_gib_is_outlined_without_reading_or_holding_it() {
    const ITEM: &[u8] = b"{\"name\": \"some text\", \"number\": 12345}, ";
    let at = |position| if position == 0 { b'[' } else { ITEM[(position as usize - 1) % ITEM.len()] };
    let (shown, read, used) = show_generated("application/json", 1 << 30, at);
    let Preview::Json(json) = shown else { panic!("a document") };
    let Some(Outline::Array { length, complete: false, items }) = json.outline else {
        panic!("an unfinished array")
    };
    assert!(json.truncated && length > 500_000 && items.len() == 500);
    assert!(read < 34 * MIB as u64 && used < MIB, "read {read}, used {used}");
}

#[test]
fn a_json_string_without_end_is_not_held_beyond_the_limit() {
    let (shown, read, used) =
        show_generated("application/json", 1 << 30, |position| if position == 0 { b'"' } else { b'x' });
    assert!(matches!(shown, Preview::Json(_)));
    assert!(read < 34 * MIB as u64 && used < 100 * MIB, "read {read}, used {used}");
}

#[test]
fn a_document_of_100_000_brackets_is_shown() {
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    assert!(matches!(show("application/json", &deep, 2 * MIB), Preview::Json(_)));
    let deep = &deep[..60_000];
    assert!(matches!(show("application/json", deep, 2 * MIB), Preview::Text(_)));
    let (difference, _) = peak(|| {
        let (mut old, mut new) = (Cursor::new(deep), Cursor::new(&deep[1..]));
        let old = Source { media_type: "application/json", name: "a", size: 60_000, reader: &mut old };
        let new = Source { media_type: "application/json", name: "a", size: 59_999, reader: &mut new };
        compare(old, new, &patient()).unwrap()
    });
    assert!(matches!(difference, Difference::Text(_)));
}

#[test]
fn a_csv_line_of_100_mb_is_given_up_early() {
    for fill in [b'x', b','] {
        let (shown, read, used) = show_generated("text/csv", 100_000_000, |_| fill);
        let Preview::Table(table) = shown else { panic!("a table") };
        assert!(table.truncated && table.note.unwrap().contains("row is longer"));
        assert!(read < 4 * MIB as u64 && used < 64 * MIB, "read {read}, used {used}");
    }
}

#[test]
fn text_and_lines_without_end_are_cut() {
    for media_type in ["text/plain", "application/x-ndjson", "application/octet-stream"] {
        let (_, read, used) = show_generated(media_type, 1 << 40, |_| b'7');
        assert!(read < 34 * MIB as u64 && used < 8 * MIB, "{media_type}: read {read}, used {used}");
    }
}

/// A PNG that is nothing but a header and a little data.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, b"IDAT\x78\x9c".to_vec()] {
        png.extend((chunk.len() as u32 - 4).to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&chunk);
        png.extend(&chunk);
        png.extend(crc.sum().to_be_bytes());
    }
    png
}

#[test]
fn an_image_that_claims_60000_by_60000_pixels_shows_its_size_only() {
    let Preview::Image(image) = show("image/png", &png_of(60_000, 60_000), MIB) else { panic!("an image") };
    assert_eq!((image.facts.width, image.facts.height, image.thumbnail), (60_000, 60_000, None));
}

#[test]
fn images_at_the_limit_take_ten_bytes_a_pixel_at_most() {
    use image::ImageFormat::{Gif, Jpeg, Png, WebP};
    let limits = Limits { pixels: 1_000_000, ..patient() };
    for format in [Png, Jpeg, Gif, WebP] {
        let mut file = Cursor::new(Vec::new());
        let image = image::DynamicImage::new_rgba8(1000, 1000);
        let image = if format == Jpeg { image.to_rgb8().into() } else { image };
        image.write_to(&mut file, format).unwrap();
        drop(image);
        let size = file.get_ref().len() as u64;
        let source = Source { media_type: "image/png", name: "a", size, reader: &mut file };
        let (shown, used) = peak(|| preview(source, &limits).unwrap());
        let Preview::Image(image) = shown else { panic!("an image") };
        assert!(image.thumbnail.is_some() && used < 10_000_000, "{format:?} took {used}: {:?}", image.note);
    }
}

#[test]
fn a_gzip_of_zeros_is_not_unpacked_to_its_end() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..2048).for_each(|_| encoder.write_all(&[0; MIB]).unwrap());
    let bomb = encoder.finish().unwrap();
    let Preview::Binary(binary) = show("application/gzip", &bomb, 4 * MIB) else { panic!("bytes") };
    assert!(binary.truncated);
    let mut reader = Cursor::new(&bomb);
    let source = Source { media_type: "", name: "a.tar.gz", size: bomb.len() as u64, reader: &mut reader };
    let (_, used) = peak(|| preview(source, &patient()).unwrap());
    assert!(used < 4 * MIB, "{used}");
}

#[test]
fn a_tar_entry_that_claims_to_be_huge_is_only_listed() {
    let mut header = tar::Header::new_gnu();
    header.set_path("huge").unwrap();
    header.set_size(1 << 50);
    header.set_cksum();
    for kind in [tar::EntryType::Regular, tar::EntryType::GNULongName, tar::EntryType::XHeader] {
        header.set_entry_type(kind);
        header.set_cksum();
        let bytes = [header.as_bytes().as_slice(), &[b'x'; 2048]].concat();
        show("application/x-tar", &bytes, MIB);
    }
}

#[test]
fn a_zip_with_forged_sizes_is_only_listed() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("a", options).unwrap();
    zip.write_all(b"content").unwrap();
    let mut bytes = zip.finish().unwrap().into_inner();
    let directory = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[directory + 20..directory + 28].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff]);
    let Preview::Archive(archive) = show("application/zip", &bytes, MIB) else { panic!("an archive") };
    assert_eq!(archive.entries[0].size, 0xffff_fffe);
    // The number of entries and the size of the directory, all as large as can be.
    let end = bytes.len() - 22;
    for forged in [8..12, 12..16, 16..20] {
        let mut bytes = bytes.clone();
        bytes[end + forged.start..end + forged.end].fill(0xfe);
        show("application/zip", &bytes, MIB);
    }
}

#[test]
fn an_arrow_message_that_claims_to_be_huge_is_refused() {
    for length in [0x7fff_ffff_u32, 0xffff_fff0, 4 << 20] {
        let bytes = [&[0xff; 4], length.to_le_bytes().as_slice(), &[0; 64]].concat();
        assert!(matches!(show("application/vnd.apache.arrow.stream", &bytes, MIB), Preview::None { .. }));
    }
}

#[test]
fn a_parquet_footer_that_claims_to_be_huge_is_refused() {
    for length in [0x7fff_ffff_u32, 0xffff_ffff, 3 << 20] {
        let bytes = [b"PAR1", [0x19; 64].as_slice(), &length.to_le_bytes(), b"PAR1"].concat();
        assert!(matches!(show("application/parquet", &bytes, MIB), Preview::None { .. }));
    }
}

#[test]
fn a_source_that_fails_is_an_error_and_a_slow_one_is_given_up() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }
    let limits = Limits { time: Duration::ZERO, ..Limits::default() };
    for media_type in
        ["text/plain", "application/json", "text/csv", "image/png", "application/zip", "application/parquet"]
    {
        let source = Source { media_type, name: "a.bin", size: 5, reader: &mut Failing };
        let error = preview(source, &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "the content of a.bin could not be read: the disk is gone");
        let mut reader = Cursor::new(b"{}");
        let source = Source { media_type, name: "a", size: 2, reader: &mut reader };
        let shown = preview(source, &limits).unwrap();
        assert!(matches!(shown, Preview::TooLarge { .. }), "{media_type}: {shown:?}");
    }
}
