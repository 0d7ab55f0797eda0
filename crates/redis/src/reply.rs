//! Reading what the functions answer.

use std::str::FromStr;

use redis::Value;
use upnext_core::artifact::Digest;
use upnext_core::backend::Result;
use upnext_core::{ArtifactId, BackendError, JobId, JobStatus, RawJson, Timestamp};

/// An answer that this version does not know.
pub(crate) fn unexpected(what: &str) -> BackendError {
    BackendError::Unexpected(format!("the answer of a function has no {what} where it should have one"))
}

/// A list of values, read one after the other.
pub(crate) struct Reply(std::vec::IntoIter<Value>);

impl Reply {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    pub(crate) fn value(&mut self) -> Result<Value> {
        self.0.next().ok_or_else(|| unexpected("further value"))
    }

    pub(crate) fn list(&mut self) -> Result<Vec<Value>> {
        list(self.value()?)
    }

    pub(crate) fn lists(&mut self) -> Result<Vec<Self>> {
        self.list()?.into_iter().map(|value| list(value).map(Self::new)).collect()
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        bytes(self.value()?)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        text(self.value()?)
    }

    pub(crate) fn number<T: FromStr + TryFrom<i64>>(&mut self) -> Result<T> {
        number(&self.value()?)
    }

    pub(crate) fn moment(&mut self) -> Result<Timestamp> {
        moment(&self.value()?)
    }

    /// A moment, or nothing.
    pub(crate) fn optional_moment(&mut self) -> Result<Option<Timestamp>> {
        let value = self.value()?;
        if is_nothing(&value) { Ok(None) } else { moment(&value).map(Some) }
    }

    /// A number, or nothing.
    pub(crate) fn optional_number<T: FromStr + TryFrom<i64>>(&mut self) -> Result<Option<T>> {
        let value = self.value()?;
        if is_nothing(&value) { Ok(None) } else { number(&value).map(Some) }
    }

    pub(crate) fn job_id(&mut self) -> Result<JobId> {
        job_id(&self.value()?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}

pub(crate) fn list(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(values) => Ok(values),
        Value::Nil => Ok(Vec::new()),
        _ => Err(unexpected("list")),
    }
}

/// True of nil and of an empty text.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::BulkString(bytes) => bytes.is_empty(),
        _ => false,
    }
}

pub(crate) fn bytes(value: Value) -> Result<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::Int(number) => Ok(number.to_string().into_bytes()),
        _ => Err(unexpected("text")),
    }
}

pub(crate) fn text(value: Value) -> Result<String> {
    String::from_utf8(bytes(value)?).map_err(|_| unexpected("text in UTF-8"))
}

pub(crate) fn json(value: Value) -> Result<RawJson> {
    text(value).map(RawJson::trusted)
}

pub(crate) fn number<T: FromStr + TryFrom<i64>>(value: &Value) -> Result<T> {
    let wrong = || unexpected("number");
    match value {
        Value::Int(number) => T::try_from(*number).map_err(|_| wrong()),
        Value::BulkString(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
            // Scores may be written with an exponent.
            text.parse().ok().or_else(|| T::try_from(text.parse::<f64>().ok()? as i64).ok()).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

pub(crate) fn moment(value: &Value) -> Result<Timestamp> {
    number(value).map(Timestamp::from_micros)
}

fn sixteen(value: &Value) -> Result<[u8; 16]> {
    match value {
        Value::BulkString(bytes) => bytes.as_slice().try_into().map_err(|_| unexpected("id")),
        _ => Err(unexpected("id")),
    }
}

pub(crate) fn job_id(value: &Value) -> Result<JobId> {
    sixteen(value).map(JobId::from_bytes)
}

pub(crate) fn artifact_id(value: &Value) -> Result<ArtifactId> {
    sixteen(value).map(ArtifactId::from_bytes)
}

pub(crate) fn digest(value: &Value) -> Result<Digest> {
    match value {
        Value::BulkString(bytes) => {
            bytes.as_slice().try_into().map(Digest::from_bytes).map_err(|_| unexpected("digest"))
        }
        _ => Err(unexpected("digest")),
    }
}

/// The letter that a status is stored as.
pub(crate) const fn letter_of(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Pending => "p",
        JobStatus::Queued => "q",
        JobStatus::Active => "a",
        JobStatus::Retrying => "r",
        JobStatus::Complete => "c",
        JobStatus::Failed => "f",
        JobStatus::Cancelled => "x",
    }
}

pub(crate) fn status(value: &Value) -> Result<JobStatus> {
    let Value::BulkString(letter) = value else { return Err(unexpected("status")) };
    let found = JobStatus::ALL.iter().find(|status| letter_of(**status).as_bytes() == letter.as_slice());
    found.copied().ok_or_else(|| unexpected("status"))
}
