//! What went wrong with a statement, and what can be done about it.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;
use upnext_core::BackendError;

pub(crate) type Result<T> = std::result::Result<T, Fault>;

/// Why a verb could not be carried out.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It met another transaction; run again, it will most likely work.
    Again(String),
    /// It waited too long for what a transaction of somebody else holds.
    Held(String),
    /// Prepared statements get lost on their way: a pooler between us and the server gives each transaction any connection.
    Unnamed,
    /// The connection is gone, and with it the answer. Nothing was done, or it may be done again.
    Lost(String),
    /// The connection was lost while something was committed: nobody knows whether it was.
    Torn(String),
    /// Anything else, as callers see it.
    Told(BackendError),
}

impl Fault {
    /// What a caller sees who cannot try again.
    pub(crate) fn told(self) -> BackendError {
        match self {
            Self::Again(text) => {
                BackendError::Unavailable(format!("others kept getting in the way ({text})"))
            }
            Self::Unnamed => BackendError::Unavailable(
                "prepared statements get lost; add pgbouncer=true to the URL if a pooler is in between"
                    .into(),
            ),
            Self::Held(text) | Self::Lost(text) | Self::Torn(text) => BackendError::Unavailable(text),
            Self::Told(error) => error,
        }
    }

    pub(crate) fn unexpected(text: impl Into<String>) -> Self {
        Self::Told(BackendError::Unexpected(text.into()))
    }
}

impl From<BackendError> for Fault {
    fn from(error: BackendError) -> Self {
        Self::Told(error)
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            let text = chain(&error);
            // Without an answer of the server it is the way there that is broken, unless a value did not fit.
            return if error.is_closed() || is_io(&error) || !text.contains("deserializ") {
                Self::Lost(text)
            } else {
                Self::unexpected(text)
            };
        };
        let text = format!("{} (SQLSTATE {})", database.message(), database.code().code());
        let code = database.code();
        let met = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            // Between the look and the row somebody else took an idempotency key.
            SqlState::UNIQUE_VIOLATION,
        ];
        if met.contains(code) {
            return Self::Again(text);
        }
        if *code == SqlState::LOCK_NOT_AVAILABLE {
            return Self::Held(text);
        }
        if *code == SqlState::INVALID_SQL_STATEMENT_NAME || *code == SqlState::DUPLICATE_PSTATEMENT {
            return Self::Unnamed;
        }
        if is_lost(code) {
            return Self::Lost(text);
        }
        Self::Told(refused(code, text))
    }
}

/// What an answer of the server means to a caller.
fn refused(code: &SqlState, text: String) -> BackendError {
    if *code == SqlState::DISK_FULL {
        return BackendError::Full(text);
    }
    let unusable = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INVALID_CATALOG_NAME,
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::INVALID_SCHEMA_NAME,
        SqlState::UNDEFINED_TABLE,
    ];
    if unusable.contains(code) {
        return BackendError::Unusable(format!("the PostgreSQL server refuses: {text}"));
    }
    // Class 53: out of memory or connections; 55 and 57: locked, or stopped by hand.
    if ["53", "55", "57"].iter().any(|class| code.code().starts_with(class)) {
        return BackendError::Unavailable(text);
    }
    BackendError::Unexpected(text)
}

/// True when the server ends the connection with this answer, or it leads to a server that takes no writes.
fn is_lost(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::DATABASE_DROPPED,
            SqlState::IDLE_SESSION_TIMEOUT,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ]
        .contains(code)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// The error with its reasons. tokio-postgres never puts a password into one.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        let reason_text = reason.to_string();
        if !text.contains(&reason_text) {
            text.push_str(": ");
            text.push_str(&reason_text);
        }
        source = reason.source();
    }
    text
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => match Self::from(error) {
                Self::Lost(text) => Self::Lost(format!("cannot connect to PostgreSQL: {text}")),
                other => other,
            },
            PoolError::Timeout(_) => {
                Self::Lost("no connection to PostgreSQL became free or ready in time".into())
            }
            other => Self::Lost(other.to_string()),
        }
    }
}
