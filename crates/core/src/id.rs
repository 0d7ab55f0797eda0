//! Identifiers: what names a job, an artifact, a worker and a lease. All are opaque to callers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not the id of {kind}: expected a UUID such as 0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10")]
pub struct ParseIdError {
    kind: &'static str,
    text: String,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id. Ids made later sort later (UUID version 7), so that indexes over them grow at one end.
            #[must_use]
            pub fn fresh() -> Self {
                Self(Uuid::now_v7())
            }

            /// The sixteen bytes that backends store.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id with these sixteen bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::parse_str(text.trim())
                    .map(Self)
                    .map_err(|_| ParseIdError { kind: $kind, text: text.chars().take(80).collect() })
            }
        }
    };
}

uuid_id!(
    /// Names one job for ever, through all of its attempts.
    JobId,
    "a job"
);
uuid_id!(
    /// Names one version of one artifact.
    ArtifactId,
    "an artifact"
);

/// Names one running worker instance, for example `demo-3f9c21aa`: the worker's name and a random suffix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(String);

impl WorkerId {
    /// A fresh id for an instance of the worker called `name`.
    #[must_use]
    pub fn fresh(name: &str) -> Self {
        Self(format!("{name}-{:08x}", fastrand::u32(..)))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for WorkerId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret of one lease. Each claim draws a new one, so that whoever held the job before can no longer finish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseToken(i64);

impl LeaseToken {
    /// A fresh token (63 random bits, never zero).
    #[must_use]
    pub fn fresh() -> Self {
        Self(fastrand::i64(1..i64::MAX))
    }

    /// The number that backends store.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The token with this number.
    #[must_use]
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_through_text_and_bytes() {
        let id = JobId::fresh();
        assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        assert_eq!(JobId::from_bytes(*id.as_bytes()), id);
    }

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<JobId> = (0..1000).map(|_| JobId::fresh()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_bad_id_is_named_in_the_error() {
        let error = "nope".parse::<ArtifactId>().unwrap_err();
        assert!(error.to_string().starts_with("'nope' is not the id of an artifact"), "{error}");
    }
}
