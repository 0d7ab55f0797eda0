//! Values that statements are given, each with its type: so that no statement has to be described by the server first, and
//! one round trip is enough also where statements cannot be kept (behind PgBouncer).

use tokio_postgres::types::{ToSql, Type};
use upnext_core::{ArtifactId, JobId};
use uuid::Uuid;

/// The type of a value in PostgreSQL.
pub(crate) trait Kind {
    /// Of one.
    const ONE: Type;
    /// Of an array of them.
    const MANY: Type;
}

macro_rules! kinds {
    ($($rust:ty => $one:ident, $many:ident;)+) => {
        $(impl Kind for $rust {
            const ONE: Type = Type::$one;
            const MANY: Type = Type::$many;
        })+
    };
}

kinds! {
    &i64 => INT8, INT8_ARRAY;
    bool => BOOL, BOOL_ARRAY;
    i16 => INT2, INT2_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i64 => INT8, INT8_ARRAY;
    f64 => FLOAT8, FLOAT8_ARRAY;
    String => TEXT, TEXT_ARRAY;
    &str => TEXT, TEXT_ARRAY;
    &String => TEXT, TEXT_ARRAY;
    &[u8] => BYTEA, BYTEA_ARRAY;
    Uuid => UUID, UUID_ARRAY;
}

impl<T: Kind> Kind for Option<T> {
    const ONE: Type = T::ONE;
    const MANY: Type = T::MANY;
}

impl<T: Kind> Kind for Vec<T> {
    const ONE: Type = T::MANY;
    // Arrays of arrays are never sent.
    const MANY: Type = T::MANY;
}

/// A value with its type.
pub(crate) trait Param: ToSql + Sync + Send {
    fn kind(&self) -> Type;
}

impl<T: ToSql + Kind + Sync + Send> Param for T {
    fn kind(&self) -> Type {
        T::ONE
    }
}

/// The values of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$(&$value as &dyn $crate::params::Param),*] };
}
pub(crate) use params;

pub(crate) fn job_uuid(id: JobId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

pub(crate) fn artifact_uuid(id: ArtifactId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

/// A count as PostgreSQL takes it.
pub(crate) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A small number as PostgreSQL takes it.
pub(crate) fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Free text as PostgreSQL takes it: it knows no NUL, whose picture stands in for it.
pub(crate) fn text(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text.to_owned() }
}
