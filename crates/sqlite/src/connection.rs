//! Opening the file: rights, pragmas, migrations, and what SQLite's errors mean to callers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};
use upnext_core::BackendError;
use upnext_core::folding::without_case;

/// Marks the file as ours (`UPNX` in ASCII), so that no other program's database is ever touched.
const APPLICATION_ID: i32 = 0x5550_4E58;

/// Every schema step, oldest first. Forward only; a released step is never edited.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_init.sql"),
    include_str!("../migrations/0002_artifacts.sql"),
    include_str!("../migrations/0003_followers.sql"),
    include_str!("../migrations/0004_filed_artifacts.sql"),
    include_str!("../migrations/0005_limits.sql"),
    include_str!("../migrations/0006_insights.sql"),
    include_str!("../migrations/0007_apis.sql"),
    include_str!("../migrations/0008_job_tags.sql"),
    include_str!("../migrations/0009_worker_memory.sql"),
    include_str!("../migrations/0010_shelves.sql"),
];

/// How long a writer waits for the writers of other processes before it gives up.
const BUSY_PATIENCE: Duration = Duration::from_secs(30);

/// How many prepared statements a connection keeps.
const STATEMENT_CACHE: usize = 128;

/// Pages that the write-ahead log may hold before a commit moves them into the file (16 MiB): large enough that
/// a checkpoint is rare under load, small enough that readers do not search long.
const AUTOCHECKPOINT_PAGES: u32 = 4000;

pub(crate) type Result<T> = std::result::Result<T, BackendError>;

/// Makes the file and its folder if need be, with rights for this user alone, and brings its schema up to date.
pub(crate) fn prepare(path: &Path) -> Result<()> {
    make_file(path).map_err(|error| unusable(path, &error))?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate(&mut connection, path)
}

/// A file that belongs to a database, by its suffix.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A connection that may write.
pub(crate) fn open_writer(path: &Path) -> Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Statements are planned once. SQLite would plan some anew for each value, in case that a partial index holds it, which costs more
    // than all they do; the writer's know their index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(|error| explain(&error))?;
    Ok(connection)
}

/// A connection that only reads.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "query_only", true).map_err(|error| explain(&error))?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_handler(Some(wait_for_lock))?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        write_ahead(&connection)?;
        connection.pragma_update(None, "wal_autocheckpoint", AUTOCHECKPOINT_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        connection.pragma_update(None, "cache_size", -16 * 1024)?;
        // On macOS a plain fsync leaves the data in the drive's cache; elsewhere this changes nothing.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        Ok(connection)
    };
    open().map_err(|error| match explain(&error) {
        BackendError::Unusable(reason) => {
            BackendError::Unusable(format!("cannot use {}: {reason}", path.display()))
        }
        other => other,
    })
}

/// Puts the file into write-ahead mode, which asks nothing of the disk when it is in this mode already. While several processes
/// do so to a new file, SQLite tells one of them at once that it is locked, without asking the busy handler, as each waits for the
/// other.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && wait_for_lock(tries) =>
            {
                tries += 1;
            }
            done => return done,
        }
    }
}

/// SQLite's busy handler: short random waits instead of its own growing ones, so that a free lock is taken soon and
/// several writers take turns. Gives up after [`BUSY_PATIENCE`].
fn wait_for_lock(tries: i32) -> bool {
    let tries = u64::try_from(tries).unwrap_or(0);
    // The first waits are short (a commit takes well under a millisecond); the mean of the later ones is 1 ms.
    let micros = if tries < 10 { fastrand::u64(20..200) } else { fastrand::u64(200..1800) };
    std::thread::sleep(Duration::from_micros(micros));
    Duration::from_millis(tries) < BUSY_PATIENCE
}

fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let explain = |error: rusqlite::Error| explain(&error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(explain)?;
    let version: usize =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(explain)?;
    let application: i32 =
        transaction.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(explain)?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(explain)?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(BackendError::Unusable(format!(
            "{} is a database of another program; name another file in UPNEXT_DATABASE_URL or UPNEXT_HOME",
            path.display()
        )));
    }
    if version > MIGRATIONS.len() {
        return Err(BackendError::TooNew(format!(
            "{} was written by a newer version of UpNext (schema {version}, this build knows {}); upgrade this build",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    if version == MIGRATIONS.len() {
        return Ok(());
    }
    for step in &MIGRATIONS[version..] {
        transaction.execute_batch(step).map_err(explain)?;
    }
    if version == 1 {
        fold_names(&transaction).map_err(explain)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(explain)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len()).map_err(explain)?;
    transaction.commit().map_err(explain)
}

/// Before schema 2 names were put into lower case for searching, which left some letters apart. SQL cannot do it.
fn fold_names(connection: &Connection) -> rusqlite::Result<()> {
    let mut names = connection.prepare(include_str!("../queries/fold_names_find.sql"))?;
    let mut fold = connection.prepare(include_str!("../queries/fold_name.sql"))?;
    let mut rows = names.query([])?;
    while let Some(row) = rows.next()? {
        fold.execute(params![row.get::<_, i64>(0)?, without_case(row.get_ref(1)?.as_str()?)])?;
    }
    Ok(())
}

fn unusable(path: &Path, error: &std::io::Error) -> BackendError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return BackendError::Full(error.to_string());
    }
    BackendError::Unusable(format!("cannot open the job database {}: {error}", path.display()))
}

/// What an error of SQLite means to a caller.
pub(crate) fn explain(error: &rusqlite::Error) -> BackendError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            BackendError::Unavailable("another process held its write lock for too long".into())
        }
        Some(ErrorCode::DiskFull) => BackendError::Full(text),
        Some(ErrorCode::SystemIoFailure) => BackendError::Unavailable(text),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            BackendError::Unusable(format!("the file cannot be opened for reading and writing ({text})"))
        }
        Some(ErrorCode::NotADatabase) => BackendError::Unusable("the file is not a SQLite database".into()),
        Some(ErrorCode::DatabaseCorrupt) => BackendError::Unusable(format!("the file is damaged ({text})")),
        _ => BackendError::Unexpected(text),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]
mod tests {
    use rusqlite::StatementStatus;

    use super::{BackendError, Connection, explain, open_writer, params, prepare};

    #[test]
    fn statements_of_the_writer_are_planned_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upnext.db");
        prepare(&path).unwrap();
        let writer = open_writer(&path).unwrap();
        let sql = include_str!("../queries/record_artifact_previous.sql");
        for name in ["a", "b", "c"] {
            assert!(!writer.prepare_cached(sql).unwrap().exists(params![1, name]).unwrap());
        }
        assert_eq!(writer.prepare_cached(sql).unwrap().get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn a_database_without_room_is_called_full() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("PRAGMA max_page_count = 2; CREATE TABLE t (x)").unwrap();
        let error = database.execute("INSERT INTO t VALUES (zeroblob(100000))", []).unwrap_err();
        assert!(matches!(explain(&error), BackendError::Full(_)), "{error}");
    }
}
