//! Room in the write-ahead log. While that file grows, each sync has to write its new length and place besides the frames, which
//! takes about twice as long as writing over what is there already. A log that was once full keeps its room; here it gets it
//! from the beginning, in pieces, when the writer has nothing else to do.
//!
//! SQLite stops reading a log at the first frame that does not continue the ones before, as it does with what is left of an older
//! round, so what follows is free to be anything.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::connection::beside;

/// As much as the log holds until a commit moves its pages into the database (4000 pages), and a little.
const ROOM: u64 = 17 * 1024 * 1024;

/// How much is made at once: some milliseconds, for which a request may have to wait.
const PIECE: usize = 1024 * 1024;

/// Makes room in one database's log.
#[derive(Debug)]
pub(crate) struct LogRoom {
    log: PathBuf,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// This process has written nothing: one that only reads makes none.
    Unasked,
    /// Room is being made.
    Wanted,
    /// There is enough, or there can be none.
    Settled,
}

impl LogRoom {
    pub(crate) fn of(database: &Path) -> Self {
        Self { log: beside(database, "-wal"), stage: Stage::Unasked }
    }

    /// Whether there may be room to make.
    pub(crate) fn is_wanted(&self) -> bool {
        self.stage == Stage::Wanted
    }

    /// Notes that this process writes.
    pub(crate) fn ask(&mut self) {
        if self.stage == Stage::Unasked {
            self.stage = Stage::Wanted;
        }
    }

    /// Makes none.
    pub(crate) fn do_without(&mut self) {
        self.stage = Stage::Settled;
    }

    /// Makes a piece. To be called inside of a transaction that has the right to write and has written nothing: so nobody
    /// writes to the log meanwhile.
    pub(crate) fn make_some(&mut self) {
        // Without it everything works, too: whoever needs the room and cannot have it will say so.
        let settled = lengthen(&self.log).map(|length| length >= ROOM).unwrap_or_else(|error| {
            tracing::debug!(%error, "cannot make room in the log");
            true
        });
        if settled {
            self.do_without();
        }
    }
}

/// Adds a piece of zeros to a file that is too short. Answers its length.
fn lengthen(log: &Path) -> io::Result<u64> {
    let mut file = OpenOptions::new().write(true).open(log)?;
    let length = file.seek(SeekFrom::End(0))?;
    if length >= ROOM {
        return Ok(length);
    }
    let written = file.write_all(&vec![0; PIECE]).and_then(|()| file.sync_data());
    if let Err(error) = written {
        // A full disk needs what is left of it for other things.
        file.set_len(length)?;
        return Err(error);
    }
    Ok(length + PIECE as u64)
}
