//! A disk that loses its power: which files may be left under which names, with which bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fastrand::Rng;

use crate::recording::{Event, Inode};

/// A disk writes sectors whole or not at all.
const SECTOR: usize = 512;

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing of it reached the disk.
    All,
    /// The first of it did, the last write of that in part.
    Tail,
    /// Any of it did, whole or in part, in any order.
    Some,
    /// Names did, bytes did not: files are empty.
    Bytes,
    /// Names did, and where bytes were written there is garbage.
    Garbage,
}

pub(crate) const LOSSES: [Loss; 5] = [Loss::All, Loss::Tail, Loss::Some, Loss::Bytes, Loss::Garbage];

/// Which syncs the disk lies about, so that the test can show that it would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    /// Those of files below `artifacts/`.
    Blobs,
    /// Those of folders below `artifacts/`.
    Folders,
}

pub(crate) struct Disk {
    lie: Lie,
    files: BTreeMap<Inode, Content>,
    /// The names that are on the disk for good, and those that the running system sees.
    names: Names,
    seen: Names,
    pending: Vec<(usize, Step)>,
    events: usize,
}

type Pieces = Vec<(usize, Event)>;

#[derive(Default)]
struct Content {
    synced: Vec<u8>,
    pending: Pieces,
}

#[derive(Default, Clone)]
struct Names {
    files: BTreeMap<PathBuf, Inode>,
    folders: BTreeSet<PathBuf>,
}

/// A change of the names in one folder. A rename is two of them, of which the second never comes alone.
#[derive(Debug, Clone)]
enum Step {
    Folder(PathBuf),
    Enter(PathBuf, Inode),
    Leave { path: PathBuf, inode: Inode, to: Option<PathBuf> },
}

impl Step {
    fn folder(&self) -> &Path {
        let (Self::Folder(path) | Self::Enter(path, _) | Self::Leave { path, .. }) = self;
        path.parent().unwrap_or(Path::new(""))
    }
}

impl Names {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Folder(path) => {
                self.folders.insert(path.clone());
            }
            Step::Enter(path, inode) => {
                self.files.insert(path.clone(), *inode);
            }
            Step::Leave { path, inode, to } => {
                if let Some(to) = to {
                    self.files.insert(to.clone(), *inode);
                }
                // Somebody else's file may have the name by now.
                if self.files.get(path) == Some(inode) {
                    self.files.remove(path);
                }
            }
        }
    }
}

impl Disk {
    pub(crate) fn new(lie: Lie) -> Self {
        let (files, names, seen) = (BTreeMap::new(), Names::default(), Names::default());
        Self { lie, files, names, seen, pending: Vec::new(), events: 0 }
    }

    pub(crate) fn take(&mut self, event: &Event) {
        let number = self.events;
        self.events += 1;
        match event {
            Event::Create { path, inode } => {
                self.files.entry(*inode).or_default();
                self.step(number, Step::Enter(path.clone(), *inode));
            }
            Event::Folder { path } => self.step(number, Step::Folder(path.clone())),
            Event::Rename { from, to } => {
                let inode = self.seen.files[from];
                self.step(number, Step::Enter(to.clone(), inode));
                self.step(number, Step::Leave { path: from.clone(), inode, to: Some(to.clone()) });
            }
            Event::Remove { path } => {
                if let Some(inode) = self.seen.files.get(path).copied() {
                    self.step(number, Step::Leave { path: path.clone(), inode, to: None });
                }
            }
            Event::Write { inode, .. } | Event::Truncate { inode, .. } => {
                self.files.entry(*inode).or_default().pending.push((number, event.clone()));
            }
            Event::Sync { inode, before } => self.sync(*inode, *before),
            Event::SyncFolder { path, before } => self.sync_folder(path, *before),
            Event::Mark(_) => {}
        }
    }

    fn step(&mut self, number: usize, step: Step) {
        self.seen.take(&step);
        self.pending.push((number, step));
    }

    fn sync(&mut self, inode: Inode, before: usize) {
        let is_blob =
            self.seen.files.iter().any(|(path, known)| *known == inode && path.starts_with("artifacts"));
        if self.lie == Lie::Blobs && is_blob {
            return;
        }
        let content = self.files.entry(inode).or_default();
        let (synced, pending) =
            std::mem::take(&mut content.pending).into_iter().partition(|(at, _)| *at < before);
        content.pending = pending;
        let synced: Pieces = synced;
        for (_, event) in synced {
            apply(&mut content.synced, &event);
        }
    }

    fn sync_folder(&mut self, path: &Path, before: usize) {
        if self.lie == Lie::Folders && path.starts_with("artifacts") {
            return;
        }
        for (at, step) in std::mem::take(&mut self.pending) {
            if at < before && step.folder() == path {
                self.names.take(&step);
            } else {
                self.pending.push((at, step));
            }
        }
    }

    /// True when something is not on the disk yet.
    pub(crate) fn is_behind(&self) -> bool {
        !self.pending.is_empty() || self.files.values().any(|content| !content.pending.is_empty())
    }

    /// Writes what the power cut left into a folder.
    pub(crate) fn cut(&self, folder: &Path, loss: Loss, random: &mut Rng) {
        let mut names = self.names.clone();
        let whole = random.usize(0..=self.pending.len());
        for (place, (_, step)) in self.pending.iter().enumerate() {
            let stays = match loss {
                Loss::All => false,
                Loss::Tail => place < whole,
                Loss::Some => random.bool(),
                Loss::Bytes | Loss::Garbage => true,
            };
            if stays {
                names.take(step);
            }
        }
        self.write(folder, &names, |content, random| content.after(loss, random), random);
    }

    /// Writes what the running system sees.
    pub(crate) fn write_all(&self, folder: &Path) {
        let whole = |content: &Content, _: &mut Rng| content.whole();
        self.write(folder, &self.seen, whole, &mut Rng::new());
    }

    fn write(
        &self,
        folder: &Path,
        names: &Names,
        bytes: impl Fn(&Content, &mut Rng) -> Vec<u8>,
        random: &mut Rng,
    ) {
        // A name in a folder that is lost is lost with it. The folder itself was there before.
        let is_there = |path: &Path| {
            path.ancestors()
                .skip(1)
                .all(|above| above.as_os_str().is_empty() || names.folders.contains(above))
        };
        for path in names.folders.iter().filter(|path| is_there(path)) {
            std::fs::create_dir_all(folder.join(path)).expect("the image can be written");
        }
        for (path, inode) in names.files.iter().filter(|(path, _)| is_there(path)) {
            let bytes = bytes(&self.files[inode], random);
            std::fs::write(folder.join(path), bytes).expect("the image can be written");
        }
    }
}

impl Content {
    fn whole(&self) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        self.pending.iter().for_each(|(_, event)| apply(&mut bytes, event));
        bytes
    }

    fn after(&self, loss: Loss, random: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let whole = random.usize(0..=self.pending.len());
        for (place, (_, event)) in self.pending.iter().enumerate() {
            match loss {
                Loss::All | Loss::Bytes => {}
                Loss::Tail if place < whole => apply(&mut bytes, event),
                Loss::Tail if place == whole => apply(&mut bytes, &torn(event, random)),
                Loss::Tail => {}
                Loss::Some if random.bool() => apply(&mut bytes, event),
                Loss::Some if random.bool() => apply(&mut bytes, &torn(event, random)),
                Loss::Some => {}
                Loss::Garbage => apply(&mut bytes, &garbage(event, random)),
            }
        }
        bytes
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
        _ => {}
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
