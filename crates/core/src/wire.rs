//! How a few fields of the [`Backend`](crate::Backend)'s types are written when its verbs travel between processes.

use serde::{Deserialize, Deserializer};

/// Bytes as bytes, where a format has them: for `#[serde(with = "upnext_core::wire::bytes")]`.
pub mod bytes {
    use std::fmt;

    use bytes::Bytes;
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    /// Writes them.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    /// Reads them.
    ///
    /// # Errors
    /// Those of the format.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes::copy_from_slice(bytes))
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(bytes.into())
            }
        }
        deserializer.deserialize_byte_buf(Whole)
    }
}

/// A fixed number of counts as a list.
pub(crate) mod counts {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        counts: &[u64; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        counts.as_slice().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u64; N], D::Error> {
        let counts = Vec::<u64>::deserialize(deserializer)?;
        let found = counts.len();
        counts.try_into().map_err(|_| D::Error::invalid_length(found, &"another number of counts"))
    }
}

/// The storages that a stored blob may be in.
const STORAGES: &[&str] = &["local", "s3", "gcs", "azure"];

pub(crate) fn storage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    let known = STORAGES.iter().find(|storage| **storage == word);
    known.copied().ok_or_else(|| serde::de::Error::unknown_variant(&word, STORAGES))
}

/// A field that is there, even if it says that there is nothing.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
