//! Watches what this process does to the files below one folder, by standing before the functions of the C library.
//!
//! The linker takes the functions below in place of the C library's, for the standard library and for SQLite alike. Each
//! calls the original and notes what it did. So the order of all writes, renames and syncs is seen as the system sees
//! it, whoever makes them.
#![allow(unsafe_code, reason = "the functions of the C library are called by address")]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A file, whatever it is called at the moment.
pub(crate) type Inode = usize;

/// Something that happened, in its order. Paths begin below the folder that is watched.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Create {
        path: PathBuf,
        inode: Inode,
    },
    Write {
        inode: Inode,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        inode: Inode,
        size: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    Folder {
        path: PathBuf,
    },
    /// What was written to the file before the event of this number is on the disk.
    Sync {
        inode: Inode,
        before: usize,
    },
    /// What was entered into the folder before the event of this number is on the disk.
    SyncFolder {
        path: PathBuf,
        before: usize,
    },
    /// The test itself noted something, under this number.
    Mark(usize),
}

#[derive(Debug, Clone)]
enum Open {
    File(Inode),
    Folder(PathBuf),
}

#[derive(Default)]
struct Recording {
    root: PathBuf,
    events: Vec<Event>,
    names: BTreeMap<PathBuf, Inode>,
    files: usize,
    open: HashMap<c_int, Open>,
}

impl Recording {
    /// The path below the root, if it lies there.
    fn below(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.root).ok().map(Path::to_owned)
    }

    fn file(&self, fd: c_int) -> Option<Inode> {
        match self.open.get(&fd) {
            Some(Open::File(inode)) => Some(*inode),
            _ => None,
        }
    }
}

fn recording() -> MutexGuard<'static, Option<Recording>> {
    static RECORDING: Mutex<Option<Recording>> = Mutex::new(None);
    RECORDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to watch an empty folder, whose path holds no links.
pub(crate) fn watch(root: &Path) {
    *recording() = Some(Recording { root: root.to_owned(), ..Recording::default() });
}

pub(crate) fn mark(number: usize) {
    note(|_| Some(Event::Mark(number)));
}

/// What has happened until now.
pub(crate) fn so_far() -> Vec<Event> {
    recording().as_ref().map(|recording| recording.events.clone()).unwrap_or_default()
}

/// Ends watching and gives what happened.
pub(crate) fn take() -> Vec<Event> {
    recording().take().map(|recording| recording.events).unwrap_or_default()
}

fn note(event: impl FnOnce(&mut Recording) -> Option<Event>) {
    if let Some(recording) = recording().as_mut()
        && let Some(event) = event(recording)
    {
        recording.events.push(event);
    }
}

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn lseek64(fd: c_int, offset: i64, whence: c_int) -> i64;
}

/// The function of this name that comes after ours.
fn original(name: &'static CStr) -> *mut c_void {
    const NEXT: *mut c_void = usize::MAX as *mut c_void;
    // SAFETY: the name is a C string, and the handle one that is always there.
    let found = unsafe { dlsym(NEXT, name.as_ptr()) };
    assert!(!found.is_null(), "the C library has no {name:?}");
    found
}

/// The original of one of the functions below, in unsafe code.
macro_rules! original {
    ($name:literal as $kind:ty) => {{
        static ADDRESS: OnceLock<usize> = OnceLock::new();
        let address = *ADDRESS.get_or_init(|| original($name) as usize);
        // The C library declares it with this type.
        std::mem::transmute::<usize, $kind>(address)
    }};
}

fn path_of(path: *const c_char) -> PathBuf {
    // SAFETY: whoever calls a function of the C library gives it a C string.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

type OpenFn = unsafe extern "C" fn(*const c_char, c_int, c_uint) -> c_int;

fn opened(path: *const c_char, open: impl FnOnce() -> c_int) -> c_int {
    let path = path_of(path);
    // The lock is held meanwhile: what is renamed and opened at once must be told apart.
    let mut recording = recording();
    let fd = open();
    let Some(recording) = recording.as_mut().filter(|_| fd >= 0) else { return fd };
    let Some(below) = recording.below(&path) else { return fd };
    if path.is_dir() {
        recording.open.insert(fd, Open::Folder(below));
        return fd;
    }
    let inode = recording.names.get(&below).copied().unwrap_or_else(|| {
        let inode = recording.files;
        recording.files += 1;
        recording.names.insert(below.clone(), inode);
        recording.events.push(Event::Create { path: below, inode });
        inode
    });
    recording.open.insert(fd, Open::File(inode));
    fd
}

/// # Safety
/// As in the C library. It has variable arguments there, which travel like these.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: passed on as it came.
    opened(path, || unsafe { original!(c"open64" as OpenFn)(path, flags, mode) })
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: passed on as it came.
    opened(path, || unsafe { original!(c"open" as OpenFn)(path, flags, mode) })
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn close(fd: c_int) -> c_int {
    // Before: afterwards the number may be somebody else's.
    if let Some(recording) = recording().as_mut() {
        recording.open.remove(&fd);
    }
    // SAFETY: passed on as it came.
    unsafe { original!(c"close" as unsafe extern "C" fn(c_int) -> c_int)(fd) }
}

fn written(fd: c_int, bytes: *const c_void, count: isize, offset: Option<i64>) {
    let Ok(length) = usize::try_from(count) else { return };
    note(|recording| {
        let inode = recording.file(fd)?;
        // SAFETY: so many bytes have just been written from there; the descriptor is open.
        let (bytes, end) =
            unsafe { (std::slice::from_raw_parts(bytes.cast::<u8>(), length), lseek64(fd, 0, 1)) };
        let offset = usize::try_from(offset.unwrap_or(end - count as i64)).ok()?;
        Some(Event::Write { inode, offset, bytes: bytes.to_vec() })
    });
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: usize) -> isize {
    type Write = unsafe extern "C" fn(c_int, *const c_void, usize) -> isize;
    // SAFETY: passed on as it came.
    let done = unsafe { original!(c"write" as Write)(fd, bytes, count) };
    written(fd, bytes, done, None);
    done
}

type WriteAt = unsafe extern "C" fn(c_int, *const c_void, usize, i64) -> isize;

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwrite64(
    fd: c_int,
    bytes: *const c_void,
    count: usize,
    offset: i64,
) -> isize {
    // SAFETY: passed on as it came.
    let done = unsafe { original!(c"pwrite64" as WriteAt)(fd, bytes, count, offset) };
    written(fd, bytes, done, Some(offset));
    done
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwrite(fd: c_int, bytes: *const c_void, count: usize, offset: i64) -> isize {
    // SAFETY: passed on as it came.
    let done = unsafe { original!(c"pwrite" as WriteAt)(fd, bytes, count, offset) };
    written(fd, bytes, done, Some(offset));
    done
}

type Truncate = unsafe extern "C" fn(c_int, i64) -> c_int;

fn truncated(fd: c_int, size: i64, done: c_int) -> c_int {
    if done == 0 {
        note(|recording| {
            Some(Event::Truncate { inode: recording.file(fd)?, size: usize::try_from(size).unwrap_or(0) })
        });
    }
    done
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn ftruncate64(fd: c_int, size: i64) -> c_int {
    // SAFETY: passed on as it came.
    truncated(fd, size, unsafe { original!(c"ftruncate64" as Truncate)(fd, size) })
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn ftruncate(fd: c_int, size: i64) -> c_int {
    // SAFETY: passed on as it came.
    truncated(fd, size, unsafe { original!(c"ftruncate" as Truncate)(fd, size) })
}

fn synced(fd: c_int, sync: impl FnOnce() -> c_int) -> c_int {
    // What another thread writes while the sync goes on may not be part of it.
    let before = recording().as_ref().map_or(0, |recording| recording.events.len());
    let done = sync();
    if done == 0 {
        note(|recording| {
            Some(match recording.open.get(&fd)?.clone() {
                Open::File(inode) => Event::Sync { inode, before },
                Open::Folder(path) => Event::SyncFolder { path, before },
            })
        });
    }
    done
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: passed on as it came.
    synced(fd, || unsafe { original!(c"fsync" as unsafe extern "C" fn(c_int) -> c_int)(fd) })
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    // SAFETY: passed on as it came.
    synced(fd, || unsafe { original!(c"fdatasync" as unsafe extern "C" fn(c_int) -> c_int)(fd) })
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    type Rename = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;
    // Noted with the lock held: who opens the new name meanwhile must find the file under it.
    let mut recording = recording();
    // SAFETY: passed on as it came.
    let done = unsafe { original!(c"rename" as Rename)(from, to) };
    if let Some(recording) = recording.as_mut().filter(|_| done == 0)
        && let (Some(from), Some(to)) = (recording.below(&path_of(from)), recording.below(&path_of(to)))
        && let Some(inode) = recording.names.remove(&from)
    {
        recording.names.insert(to.clone(), inode);
        recording.events.push(Event::Rename { from, to });
    }
    done
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    let mut recording = recording();
    // SAFETY: passed on as it came.
    let done = unsafe { original!(c"unlink" as unsafe extern "C" fn(*const c_char) -> c_int)(path) };
    if let Some(recording) = recording.as_mut().filter(|_| done == 0)
        && let Some(path) = recording.below(&path_of(path))
    {
        recording.names.remove(&path);
        recording.events.push(Event::Remove { path });
    }
    done
}

/// # Safety
/// As in the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn mkdir(path: *const c_char, mode: c_uint) -> c_int {
    type MakeFolder = unsafe extern "C" fn(*const c_char, c_uint) -> c_int;
    // SAFETY: passed on as it came.
    let done = unsafe { original!(c"mkdir" as MakeFolder)(path, mode) };
    if done == 0 {
        note(|recording| Some(Event::Folder { path: recording.below(&path_of(path))? }));
    }
    done
}
