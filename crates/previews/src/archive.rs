//! Archives: the names in a zip or tar, and what is inside a gzip. No entry is unpacked.

use std::io::{self, BufReader, Cursor, Read, Seek};

use flate2::read::MultiGzDecoder;
use zip::read::Config;
use zip::unstable::read::ZipIterable;

use crate::brief::brief;
use crate::kind::{Kind, kind_of};
use crate::render::render;
use crate::window::{Stop, Window};
use crate::{ArchiveEntry, ArchivePreview, EntryKind, Limits, Preview, Source};

const PATH_CHARS: usize = 1000;
/// As much of a gzip's content as is looked at: more than any text preview shows.
const GZIP_HEAD_BYTES: u64 = 1 << 20;
const TAR_BLOCK: usize = 512;

/// The entries a preview has room for.
struct Entries {
    entries: Vec<ArchiveEntry>,
    limit: usize,
    room: usize,
}

impl Entries {
    const fn new(limits: &Limits) -> Self {
        Self { entries: Vec::new(), limit: limits.entries, room: limits.output_bytes }
    }

    const fn is_full(&self) -> bool {
        self.entries.len() >= self.limit || self.room == 0
    }

    fn push(&mut self, path: &[u8], kind: EntryKind, size: u64, compressed_size: Option<u64>) {
        let path = brief(&String::from_utf8_lossy(path), PATH_CHARS);
        self.room = self.room.saturating_sub(path.len() + 64);
        self.entries.push(ArchiveEntry { path, kind, size, compressed_size });
    }
}

/// The entries of a zip, read from its directory only.
pub(crate) fn zip(window: &mut Window<'_>, limits: &Limits) -> Result<ArchivePreview, String> {
    let mut archive =
        ZipIterable::try_new(&mut *window, Config::default()).map_err(|error| error.to_string())?;
    let total = archive.len() as u64;
    let mut entries = Entries::new(limits);
    let mut note = None;
    for entry in archive.files().map_err(|error| error.to_string())? {
        if entries.is_full() {
            break;
        }
        match entry {
            Ok(entry) => {
                let kind = match (entry.is_dir(), entry.is_symlink()) {
                    (true, _) => EntryKind::Folder,
                    (_, true) => EntryKind::Link,
                    _ => EntryKind::File,
                };
                // Names are bytes here: `name` refuses those that are not text.
                let name = entry.name().map(|name| name.as_bytes().to_vec());
                let name = name.unwrap_or_else(|_| entry.name_raw().to_vec());
                entries.push(&name, kind, entry.size(), Some(entry.compressed_size()));
            }
            Err(error) => {
                note =
                    Some(brief(&format!("the directory of this zip is damaged: {error}"), limits.cell_chars));
                break;
            }
        }
    }
    let entries = entries.entries;
    let truncated = total > entries.len() as u64;
    Ok(ArchivePreview { format: "zip", entries, total_entries: Some(total), truncated, note })
}

/// The entries of a tar; their content is skipped by seeking.
pub(crate) fn tar(window: &mut Window<'_>, limits: &Limits) -> Result<ArchivePreview, String> {
    let mut archive = tar::Archive::new(&mut *window);
    let listed = archive.entries_with_seek().map_err(|error| error.to_string())?;
    let listing = list_tar("tar", listed, limits);
    ended(listing, window.stopped(), limits)
}

fn list_tar<R: Read>(format: &'static str, listed: tar::Entries<'_, R>, limits: &Limits) -> ArchivePreview {
    let mut entries = Entries::new(limits);
    let (mut truncated, mut note) = (false, None);
    for entry in listed {
        if entries.is_full() {
            truncated = true;
            break;
        }
        match entry {
            Ok(entry) => {
                let kind = entry.header().entry_type();
                let kind = match kind {
                    kind if kind.is_file() => EntryKind::File,
                    kind if kind.is_dir() => EntryKind::Folder,
                    kind if kind.is_symlink() || kind.is_hard_link() => EntryKind::Link,
                    _ => EntryKind::Other,
                };
                entries.push(&entry.path_bytes(), kind, entry.size(), None);
            }
            Err(error) => {
                truncated = true;
                note = Some(brief(&format!("the archive is damaged or cut off: {error}"), limits.cell_chars));
                break;
            }
        }
    }
    let total_entries = (!truncated).then_some(entries.entries.len() as u64);
    ArchivePreview { format, entries: entries.entries, total_entries, truncated, note }
}

/// A listing of an archive whose end was not reached says why.
fn ended(
    mut listing: ArchivePreview,
    stopped: Option<Stop>,
    limits: &Limits,
) -> Result<ArchivePreview, String> {
    if let Some(stop) = stopped {
        listing.truncated = true;
        listing.total_entries = None;
        listing.note = Some(stop.reason(limits));
    }
    if listing.entries.is_empty()
        && let Some(note) = listing.note
    {
        return Err(note);
    }
    Ok(listing)
}

/// What is inside a gzip: the entries of a tar, else the beginning of the one content.
pub(crate) fn gzip(window: &mut Window<'_>, limits: &Limits) -> Result<Preview, String> {
    let looked_at = GZIP_HEAD_BYTES.min(limits.unpacked_bytes);
    let mut head = Vec::new();
    let unpacked =
        MultiGzDecoder::new(BufReader::new(&mut *window)).take(looked_at + 1).read_to_end(&mut head);
    if let Err(error) = unpacked
        && head.is_empty()
    {
        return Err(format!("the content is not gzip: {error}"));
    }
    let inner_name = inner_name(window.name);
    if kind_of("", &inner_name, &head) == Kind::Tar || head.get(257..262) == Some(b"ustar") {
        return gzipped_tar(window, limits).map(Preview::Archive);
    }
    Ok(gzipped_head(&head, &inner_name, window, limits))
}

fn inner_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, "tgz")) => format!("{stem}.tar"),
        Some((stem, _)) => stem.to_owned(),
        None => name.to_owned(),
    }
}

fn gzipped_tar(window: &mut Window<'_>, limits: &Limits) -> Result<ArchivePreview, String> {
    window.again(0);
    let mut unpacked = Unpacked {
        source: MultiGzDecoder::new(BufReader::new(&mut *window)),
        left: limits.unpacked_bytes,
        exhausted: false,
    };
    let mut archive = tar::Archive::new(&mut unpacked);
    let mut listing = match archive.entries() {
        Ok(listed) => list_tar("tar.gz", listed, limits),
        Err(error) => return Err(error.to_string()),
    };
    if unpacked.exhausted {
        listing.truncated = true;
        listing.total_entries = None;
        listing.note =
            Some(format!("only the first {} unpacked bytes were looked at", limits.unpacked_bytes));
    }
    ended(listing, window.stopped(), limits)
}

/// Ends what comes out of a decoder where the allowance does.
struct Unpacked<R> {
    source: R,
    left: u64,
    exhausted: bool,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left < TAR_BLOCK as u64 {
            self.exhausted = true;
            return Ok(0);
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.source.read(&mut buffer[..room])?;
        self.left -= count as u64;
        Ok(count)
    }
}

/// The preview of unpacked bytes that are in memory. They are not unpacked a second time.
fn gzipped_head(head: &[u8], name: &str, window: &mut Window<'_>, limits: &Limits) -> Preview {
    let more = head.len() as u64 > GZIP_HEAD_BYTES.min(limits.unpacked_bytes);
    let media_type = if kind_of("", name, head).is_text() { "" } else { "application/octet-stream" };
    // Ending one byte early tells the renderers that there is more.
    let read_bytes = head.len() as u64 - u64::from(more);
    let inner_limits = Limits { read_bytes, ..limits.clone() };
    let mut cursor = Cursor::new(head);
    let name = if media_type.is_empty() { name } else { "" };
    let source = Source { media_type, name, size: head.len() as u64, reader: &mut cursor };
    let mut inner = Window::new(source, &inner_limits, window.deadline());
    // What is inside may call itself a gzip again; bytes are all that is shown of it.
    if kind_of(media_type, name, head).is_text() {
        render(&mut inner, &inner_limits)
    } else {
        let _ = inner.rewind();
        Preview::Binary(crate::render::binary(&mut inner))
    }
}
