//! Blobs as files under one folder.
//!
//! `sha256/ab/cd/<digest>` are the blobs, `incoming/` holds temporary files. A blob appears by a rename of a file that
//! is on disk completely, and counts as stored once its folder is on disk too. Everything here blocks.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use upnext_core::artifact::Digest;
use upnext_core::fault;

use crate::error::BlobError;
use crate::staged::{Content, Staged, TempFile};

/// Stands behind the digest in the name of a blob that is about to be removed.
const ASIDE: &str = "-removed-";

/// What became of a blob that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone (or never was).
    Gone,
    /// It was stored again too recently, and stays.
    Kept,
}

/// The local storage.
#[derive(Debug)]
pub(crate) struct LocalStorage {
    root: PathBuf,
    /// First two bytes of the digests whose folder is known to be on disk itself.
    durable_folders: Mutex<HashSet<[u8; 2]>>,
}

impl LocalStorage {
    pub(crate) fn open(root: &Path) -> Result<Self, BlobError> {
        let failed = |error| BlobError::from_file("open", root, &error);
        let root = std::path::absolute(root).map_err(failed)?;
        let storage = Self { root, durable_folders: Mutex::default() };
        for folder in [storage.incoming(), storage.root.join("sha256")] {
            create_folders(&folder).map_err(|error| BlobError::from_file("create", &folder, &error))?;
        }
        // The root may be new, and so may the folders it lies in. These need not be ours to open.
        for folder in storage.root.ancestors().skip(1).take(3) {
            let _ = sync_folder(folder);
        }
        storage.put_back()?;
        Ok(storage)
    }

    fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    pub(crate) fn blob_path(&self, sha256: Digest) -> PathBuf {
        self.root.join(sha256.storage_key())
    }

    /// A fresh file, for this user's eyes only, in the folder that [`sweep_temporary`](Self::sweep_temporary) sweeps.
    pub(crate) fn temporary(&self) -> Result<TempFile, BlobError> {
        let path = self.incoming().join(format!("{:016x}", fastrand::u64(..)));
        let created = match create_private(&path) {
            // Somebody removed the folder under a running process.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_folders(&self.incoming()).and_then(|()| create_private(&path))
            }
            created => created,
        };
        match created {
            Ok(file) => Ok(TempFile::named(file, path)),
            Err(error) => Err(BlobError::from_file("write", &path, &error)),
        }
    }

    /// Stores bytes that are in memory.
    pub(crate) fn put(&self, sha256: Digest, bytes: &[u8]) -> Result<(), BlobError> {
        if self.reuse(sha256, bytes.len() as u64)? {
            return Ok(());
        }
        let mut temp = self.temporary()?;
        let path = temp.path().unwrap_or(&self.root).to_owned();
        temp.file.write_all(bytes).map_err(|error| BlobError::from_file("write", &path, &error))?;
        self.place(sha256, &mut temp)
    }

    /// Stores staged bytes. May be called again for the same ones.
    pub(crate) fn commit(&self, staged: &mut Staged) -> Result<(), BlobError> {
        let (sha256, size) = (staged.sha256(), staged.size());
        let temp = match &mut staged.content {
            Content::Memory(bytes) => return self.put(sha256, bytes),
            Content::File(temp) => temp,
        };
        if self.reuse(sha256, size)? {
            return Ok(());
        }
        if temp.path().is_some() {
            return self.place(sha256, temp);
        }
        // It was stored before and removed since; the open file still has the bytes.
        let mut copy = self.temporary()?;
        let copied = temp.file.rewind().and_then(|()| io::copy(&mut temp.file, &mut copy.file));
        copied.map_err(|error| BlobError::from_file("write", &self.incoming(), &error))?;
        self.place(sha256, &mut copy)
    }

    /// Makes a blob that is there already count as stored just now. False when there is none of this size.
    fn reuse(&self, sha256: Digest, size: u64) -> Result<bool, BlobError> {
        let path = self.blob_path(sha256);
        // Missing, or not ours to touch: it is written anew.
        let Ok(file) = OpenOptions::new().append(true).open(&path) else { return Ok(false) };
        let matches = file.metadata().is_ok_and(|found| found.is_file() && found.len() == size);
        if !matches || file.set_modified(SystemTime::now()).is_err() {
            return Ok(false);
        }
        self.make_folder_durable(sha256)?;
        // Whoever renamed it may not have come to this yet. It may also have been removed before it was touched.
        sync_folder_of(&path).map_err(|error| BlobError::from_file("write", &path, &error))?;
        Ok(path.exists())
    }

    /// Moves a complete file to its place, durably.
    fn place(&self, sha256: Digest, temp: &mut TempFile) -> Result<(), BlobError> {
        let target = self.blob_path(sha256);
        let failed = |error: &io::Error| BlobError::from_file("write", &target, error);
        temp.file.sync_all().map_err(|error| failed(&error))?;
        fault::point("blob synced");
        // A large file may have taken long; its age counts from here.
        let _ = temp.file.set_modified(SystemTime::now());
        self.make_folder_durable(sha256)?;
        if let Err(error) = temp.rename(&target) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(failed(&error));
            }
            // Somebody removed the folder under a running process.
            self.folders().clear();
            self.make_folder_durable(sha256)?;
            temp.rename(&target).map_err(|error| failed(&error))?;
        }
        fault::point("blob renamed");
        sync_folder_of(&target).map_err(|error| failed(&error))?;
        fault::point("blob written");
        Ok(())
    }

    /// Sees to it, once per folder and process, that a blob's folder exists and is itself on disk.
    fn make_folder_durable(&self, sha256: Digest) -> Result<(), BlobError> {
        let prefix = [sha256.as_bytes()[0], sha256.as_bytes()[1]];
        if self.folders().contains(&prefix) {
            return Ok(());
        }
        let path = self.blob_path(sha256);
        let folder = path.parent().unwrap_or(&self.root);
        let made = create_folders(folder).and_then(|()| {
            // Up to and including the root: any of these folders may be new.
            folder.ancestors().skip(1).take(3).try_for_each(sync_folder)
        });
        made.map_err(|error| BlobError::from_file("create", folder, &error))?;
        self.folders().insert(prefix);
        Ok(())
    }

    fn folders(&self) -> std::sync::MutexGuard<'_, HashSet<[u8; 2]>> {
        self.durable_folders.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Puts back what a process that died had moved aside to remove it: somebody may have stored it again meanwhile. If
    /// nobody needs it, the next sweep takes it.
    fn put_back(&self) -> Result<(), BlobError> {
        for aside in read_folder(&self.incoming())? {
            let name = aside.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(sha256) = name.split_once(ASIDE).and_then(|(digest, _)| digest.parse().ok()) else {
                continue;
            };
            let path = self.blob_path(sha256);
            let back = if path.exists() {
                fs::remove_file(&aside)
            } else {
                fs::rename(&aside, &path).and_then(|()| sync_folder_of(&path))
            };
            match back {
                // A sweep that is alive went on with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                back => back.map_err(|error| BlobError::from_file("write", &path, &error))?,
            }
        }
        Ok(())
    }

    /// Opens a blob for reading, at `start`. Also answers its length.
    pub(crate) fn open_blob(&self, sha256: Digest, start: u64) -> Result<(File, u64), BlobError> {
        let path = self.blob_path(sha256);
        let opened = File::open(&path).and_then(|mut file| {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(start))?;
            Ok((file, length))
        });
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::Missing(sha256),
            _ => BlobError::from_file("read", &path, &error),
        })
    }

    /// Length of a blob, if it is there.
    pub(crate) fn size(&self, sha256: Digest) -> Result<Option<u64>, BlobError> {
        let path = self.blob_path(sha256);
        match fs::metadata(&path) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BlobError::from_file("read", &path, &error)),
        }
    }

    pub(crate) fn delete(&self, sha256: Digest) -> Result<(), BlobError> {
        let path = self.blob_path(sha256);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(BlobError::from_file("delete", &path, &error))
            }
            _ => Ok(()),
        }
    }

    /// Moves a damaged blob to `damaged/`, where a person may look at it.
    pub(crate) fn set_aside(&self, sha256: Digest) -> Result<(), BlobError> {
        let (path, folder) = (self.blob_path(sha256), self.root.join("damaged"));
        let moved = create_folders(&folder).and_then(|()| fs::rename(&path, folder.join(sha256.to_string())));
        match moved {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(BlobError::from_file("move", &path, &error))
            }
            _ => Ok(()),
        }
    }

    /// Removes a blob unless it was stored within `age`. Somebody who stores it at this very moment either touches the
    /// file before it is moved aside, and is seen; or finds none and writes it anew.
    pub(crate) fn delete_if_older_than(&self, sha256: Digest, age: Duration) -> Result<Removal, BlobError> {
        let path = self.blob_path(sha256);
        let aside = self.incoming().join(format!("{sha256}{ASIDE}{:016x}", fastrand::u64(..)));
        let removed = match is_older(&path, age) {
            Ok(false) => return Ok(Removal::Kept),
            Ok(true) => fs::rename(&path, &aside).and_then(|()| {
                if is_older(&aside, age)? {
                    return fs::remove_file(&aside).map(|()| Removal::Gone);
                }
                // Whoever touched it relies on it: back for good.
                fs::rename(&aside, &path).and_then(|()| sync_folder_of(&path)).map(|()| Removal::Kept)
            }),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Removal::Gone),
            removed => removed.map_err(|error| BlobError::from_file("delete", &path, &error)),
        }
    }

    /// Blobs older than `age` whose digest begins with `first`. Files that are no blobs are passed over.
    pub(crate) fn list_older_than(&self, first: u8, age: Duration) -> Result<Vec<Digest>, BlobError> {
        let folder = self.root.join("sha256").join(format!("{first:02x}"));
        let mut found = Vec::new();
        for inner in read_folder(&folder)? {
            for path in read_folder(&inner)? {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let Ok(sha256) = name.parse::<Digest>() else { continue };
                if self.blob_path(sha256) == path && is_older(&path, age).unwrap_or(false) {
                    found.push(sha256);
                }
            }
        }
        Ok(found)
    }

    /// Removes temporary files that a crash left behind.
    pub(crate) fn sweep_temporary(&self, older_than: Duration) -> Result<usize, BlobError> {
        let mut swept = 0;
        for path in read_folder(&self.incoming())? {
            if is_older(&path, older_than).unwrap_or(false) && fs::remove_file(&path).is_ok() {
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Fails when nothing can be written.
    pub(crate) fn check(&self) -> Result<(), BlobError> {
        let mut temp = self.temporary()?;
        let path = temp.path().unwrap_or(&self.root).to_owned();
        temp.file.write_all(b"check").map_err(|error| BlobError::from_file("write", &path, &error))
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn create_folders(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Puts a folder's entries on disk. Where folders cannot be opened (Windows) the file system sees to it.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// What is in a folder; nothing if it does not exist.
fn read_folder(path: &Path) -> Result<Vec<PathBuf>, BlobError> {
    let failed = |error: io::Error| BlobError::from_file("read", path, &error);
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(failed(error)),
    }
}

/// True when the file was last written or touched at least `age` ago. A moment in the future counts as new.
fn is_older(path: &Path, age: Duration) -> io::Result<bool> {
    let metadata = fs::metadata(path)?;
    let elapsed = SystemTime::now().duration_since(metadata.modified()?);
    Ok(metadata.is_file() && elapsed.is_ok_and(|elapsed| elapsed >= age))
}

/// Reads up to `length` bytes: fewer only at the file's end.
pub(crate) fn read_chunk(file: &mut File, length: usize) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}
