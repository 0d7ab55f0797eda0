//! Watches what SQLite does to its files: a VFS that is the system's own, but for a note of every write, cut and sync.
//!
//! The system's VFS opens each file as always. Then the file's table of methods is replaced by a copy in which `xWrite`,
//! `xTruncate`, `xSync` and `xClose` are those below, which call the original and note that it succeeded.
#![allow(unsafe_code, reason = "SQLite's VFS is a C interface")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

use rusqlite::ffi;

/// Something that happened, in its order.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Write {
        file: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        size: usize,
    },
    Delete {
        file: String,
    },
    /// Everything written to the file before is on the disk.
    Sync {
        file: String,
    },
    /// The test itself noted something, under this number.
    Mark(usize),
}

/// A file that is open, with the methods it had.
struct Open {
    methods: *const ffi::sqlite3_io_methods,
    folder: PathBuf,
    file: String,
}

// The pointer is to one of SQLite's static tables.
unsafe impl Send for Open {}

#[derive(Default)]
struct State {
    open: HashMap<usize, Open>,
    /// What happened in each folder that is watched.
    events: HashMap<PathBuf, Vec<Event>>,
    /// The copy of each table of methods.
    copies: HashMap<usize, usize>,
}

fn state() -> MutexGuard<'static, State> {
    static STATE: OnceLock<Mutex<State>> = OnceLock::new();
    STATE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to watch the databases in this folder. Those of all other folders are left alone.
pub(crate) fn watch(folder: &Path) {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(register);
    state().events.insert(folder.to_owned(), Vec::new());
}

/// Notes that something is known from here on.
pub(crate) fn mark(folder: &Path, number: usize) {
    state().events.get_mut(folder).expect("the folder is watched").push(Event::Mark(number));
}

/// What happened in this folder up to now; nothing is watched any more.
pub(crate) fn take(folder: &Path) -> Vec<Event> {
    state().events.remove(folder).expect("the folder is watched")
}

fn register() {
    // SAFETY: the system's VFS is valid for the life of the process, and so is the leaked copy of it.
    unsafe {
        let system = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!system.is_null(), "SQLite has no VFS");
        let mut copy = *system;
        copy.zName = c"recording".as_ptr();
        copy.pNext = std::ptr::null_mut();
        copy.xOpen = Some(open);
        copy.xDelete = Some(delete);
        let code = ffi::sqlite3_vfs_register(Box::leak(Box::new(copy)), 1);
        assert_eq!(code, ffi::SQLITE_OK, "the VFS cannot be registered");
    }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands over what the system's VFS asks for; `file` is as large as that one wants it.
    unsafe {
        let system = ffi::sqlite3_vfs_find(c"unix".as_ptr());
        let code = (*system).xOpen.expect("a VFS opens files")(system, name, file, flags, out);
        if code != ffi::SQLITE_OK || name.is_null() || (*file).pMethods.is_null() {
            return code;
        }
        let path = PathBuf::from(CStr::from_ptr(name).to_string_lossy().into_owned());
        let (Some(folder), Some(file_name)) = (path.parent(), path.file_name()) else { return code };
        let mut state = state();
        if state.events.contains_key(folder) {
            let methods = (*file).pMethods;
            let copy = *state.copies.entry(methods as usize).or_insert_with(|| {
                let mut copy = *methods;
                copy.xWrite = Some(write);
                copy.xTruncate = Some(truncate);
                copy.xSync = Some(sync);
                copy.xClose = Some(close);
                Box::leak(Box::new(copy)) as *const ffi::sqlite3_io_methods as usize
            });
            let (folder, file_name) = (folder.to_owned(), file_name.to_string_lossy().into_owned());
            state.open.insert(file as usize, Open { methods, folder, file: file_name });
            (*file).pMethods = copy as *const ffi::sqlite3_io_methods;
        }
        code
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: as SQLite called it.
    unsafe {
        let system = ffi::sqlite3_vfs_find(c"unix".as_ptr());
        let code = (*system).xDelete.expect("a VFS deletes files")(system, name, sync_folder);
        let path = PathBuf::from(CStr::from_ptr(name).to_string_lossy().into_owned());
        if let (ffi::SQLITE_OK, Some(folder), Some(file)) = (code, path.parent(), path.file_name())
            && let Some(events) = state().events.get_mut(folder)
        {
            events.push(Event::Delete { file: file.to_string_lossy().into_owned() });
        }
        code
    }
}

fn methods(file: *mut ffi::sqlite3_file) -> *const ffi::sqlite3_io_methods {
    state().open[&(file as usize)].methods
}

fn note(file: *mut ffi::sqlite3_file, code: c_int, event: impl FnOnce(String) -> Event) -> c_int {
    if code == ffi::SQLITE_OK {
        let mut state = state();
        let state = &mut *state;
        let open = &state.open[&(file as usize)];
        if let Some(events) = state.events.get_mut(&open.folder) {
            events.push(event(open.file.clone()));
        }
    }
    code
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: as SQLite called it; `bytes` holds `length` bytes.
    unsafe {
        let code = (*methods(file)).xWrite.expect("files are written")(file, bytes, length, offset);
        let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(length).unwrap_or(0));
        let offset = usize::try_from(offset).unwrap_or(0);
        note(file, code, |file| Event::Write { file, offset, bytes: bytes.to_vec() })
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: as SQLite called it.
    let code = unsafe { (*methods(file)).xTruncate.expect("files are cut")(file, size) };
    note(file, code, |file| Event::Truncate { file, size: usize::try_from(size).unwrap_or(0) })
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as SQLite called it.
    let code = unsafe { (*methods(file)).xSync.expect("files are synced")(file, flags) };
    note(file, code, |file| Event::Sync { file })
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let open = state().open.remove(&(file as usize)).expect("it was opened");
    // SAFETY: as SQLite called it, with the table the file had when it was opened.
    unsafe {
        (*file).pMethods = open.methods;
        (*open.methods).xClose.expect("files are closed")(file)
    }
}
