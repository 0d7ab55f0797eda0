//! A disk that loses its power: what may be left of files of which only some writes were synced.

use std::collections::BTreeMap;
use std::path::Path;

use fastrand::Rng;

use crate::recording::Event;

/// A disk writes sectors whole or not at all.
const SECTOR: usize = 512;

/// What becomes of writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// None reached the disk.
    All,
    /// The first ones did, the last of them in part.
    Tail,
    /// Any of them did, whole or in part, in any order.
    Some,
    /// The place they were written to holds garbage.
    Garbage,
}

pub(crate) const LOSSES: [Loss; 4] = [Loss::All, Loss::Tail, Loss::Some, Loss::Garbage];

/// The files as they grow.
#[derive(Default)]
pub(crate) struct Disk {
    files: BTreeMap<String, Content>,
}

#[derive(Default)]
struct Content {
    synced: Vec<u8>,
    pending: Vec<Event>,
    /// It was deleted, and no sync of anything has come since.
    deleted: bool,
}

impl Disk {
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::Write { file, .. } | Event::Truncate { file, .. } => {
                let content = self.files.entry(file.clone()).or_default();
                if content.deleted {
                    *content = Content::default();
                }
                content.pending.push(event.clone());
            }
            Event::Delete { file } => self.files.entry(file.clone()).or_default().deleted = true,
            Event::Sync { file } => {
                // File systems keep the order of their own records: a later sync of any file carries these along.
                self.files.retain(|_, content| !content.deleted);
                let content = self.files.entry(file.clone()).or_default();
                for event in content.pending.drain(..) {
                    apply(&mut content.synced, &event);
                }
            }
            Event::Mark(_) => {}
        }
    }

    /// How many writes are not on the disk yet.
    pub(crate) fn pending(&self) -> usize {
        self.files.values().map(|content| content.pending.len()).sum()
    }

    /// Writes what the power cut left into a folder.
    pub(crate) fn cut(&self, folder: &Path, loss: Loss, random: &mut Rng) {
        for (name, content) in &self.files {
            if content.deleted && random.bool() {
                continue;
            }
            let mut bytes = content.synced.clone();
            let whole = random.usize(0..=content.pending.len());
            for (place, event) in content.pending.iter().enumerate() {
                match loss {
                    Loss::All => {}
                    Loss::Tail if place < whole => apply(&mut bytes, event),
                    Loss::Tail if place == whole => apply(&mut bytes, &torn(event, random)),
                    Loss::Tail => {}
                    Loss::Some if random.bool() => apply(&mut bytes, event),
                    Loss::Some if random.bool() => apply(&mut bytes, &torn(event, random)),
                    Loss::Some => {}
                    Loss::Garbage => apply(&mut bytes, &garbage(event, random)),
                }
            }
            std::fs::write(folder.join(name), bytes).expect("the image can be written");
        }
    }
}

fn apply(bytes: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Write { offset, bytes: written, .. } => {
            let end = offset + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(written);
        }
        Event::Truncate { size, .. } => bytes.resize(*size, 0),
        Event::Delete { .. } | Event::Sync { .. } | Event::Mark(_) => {}
    }
}

/// The first sectors of a write.
fn torn(event: &Event, random: &mut Rng) -> Event {
    let mut event = event.clone();
    if let Event::Write { offset, bytes, .. } = &mut event {
        let last = (*offset + random.usize(0..=bytes.len())) / SECTOR * SECTOR;
        bytes.truncate(last.saturating_sub(*offset));
    }
    event
}

/// A write whose sectors hold anything.
fn garbage(event: &Event, random: &mut Rng) -> Event {
    let mut event = event.clone();
    if let Event::Write { bytes, .. } = &mut event {
        random.fill(bytes);
    }
    event
}
