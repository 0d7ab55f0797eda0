//! Digests that a client announces for the bytes it sends: `Repr-Digest` and `Content-Digest` (RFC 9530), `Content-MD5`
//! (RFC 1864). All are of the artifact's bytes, in whichever form these travel, and are checked before anybody can see
//! them: SHA-256 by the artifact service, MD5 here.

use std::io;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use md5::{Digest as _, Md5};
use upnext_core::artifact::{Digest, Encoding};

use crate::error::ApiError;
use crate::request_body::Refused;

/// Base64 characters that are decoded at once; a multiple of four.
const BLOCK: usize = 64 * 1024;

/// What was announced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) sha256: Option<Digest>,
    md5: Option<[u8; 16]>,
}

impl Announced {
    /// The digests in these headers. Algorithms that are not known are passed over.
    pub(crate) fn in_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut announced = Self::default();
        for name in ["repr-digest", "content-digest"] {
            for value in headers.get_all(name) {
                announced = announced.and(in_digest_field(name, value.to_str().unwrap_or("?"))?)?;
            }
        }
        for value in headers.get_all("content-md5") {
            let text = value.to_str().unwrap_or("?").trim();
            let md5 = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
            let md5 = md5.ok_or_else(|| {
                ApiError::Invalid(format!(
                    "Content-MD5 is '{text}': write the 16 bytes of the digest in base64"
                ))
            })?;
            announced = announced.and(Self { sha256: None, md5: Some(md5) })?;
        }
        Ok(announced)
    }

    /// Both; they must not contradict each other.
    pub(crate) fn and(self, other: Self) -> Result<Self, ApiError> {
        let contradict = |one: bool| {
            one.then_some(()).ok_or_else(|| {
                ApiError::Invalid("two different digests are announced for the same bytes".to_owned())
            })
        };
        contradict(self.sha256.zip(other.sha256).is_none_or(|(one, two)| one == two))?;
        contradict(self.md5.zip(other.md5).is_none_or(|(one, two)| one == two))?;
        Ok(Self { sha256: self.sha256.or(other.sha256), md5: self.md5.or(other.md5) })
    }

    /// `bytes`, which fail at their end when they are not those whose MD5 digest was announced: nothing is kept then.
    pub(crate) fn checking(
        self,
        name: &str,
        bytes: BoxStream<'static, io::Result<Bytes>>,
    ) -> BoxStream<'static, io::Result<Bytes>> {
        let Some(wanted) = self.md5 else { return bytes };
        let state = Some((bytes, Md5::new(), name.to_owned()));
        stream::unfold(state, move |state| async move {
            let (mut bytes, mut hasher, name) = state?;
            match bytes.next().await {
                Some(Ok(piece)) => {
                    hasher.update(&piece);
                    Some((Ok(piece), Some((bytes, hasher, name))))
                }
                Some(Err(error)) => Some((Err(error), None)),
                None => {
                    let sentence = mismatch(&name, wanted, hasher.finalize().into())?;
                    Some((Err(Refused(sentence).into_error()), None))
                }
            }
        })
        .boxed()
    }

    /// Checks the bytes that `text` stands for. A text that stands for none is left to whoever decodes it.
    pub(crate) fn check_text(self, name: &str, encoding: Encoding, text: &str) -> Result<(), ApiError> {
        let Some(wanted) = self.md5 else { return Ok(()) };
        let found = match encoding {
            Encoding::Json | Encoding::Text => Some(Md5::digest(text.as_bytes()).into()),
            Encoding::Base64 => md5_of_base64(text),
        };
        match found.and_then(|found| mismatch(name, wanted, found)) {
            Some(sentence) => Err(ApiError::Invalid(sentence)),
            None => Ok(()),
        }
    }
}

/// The SHA-256 digest in a field such as `sha-256=:<base64>:, sha-512=:<base64>:`.
fn in_digest_field(name: &str, value: &str) -> Result<Announced, ApiError> {
    let mut announced = Announced::default();
    for member in value.split(',').map(str::trim).filter(|member| !member.is_empty()) {
        let (algorithm, digest) = member.split_once('=').unwrap_or((member, ""));
        if !algorithm.trim().eq_ignore_ascii_case("sha-256") {
            continue;
        }
        // Parameters say nothing about the digest.
        let digest = digest.split(';').next().unwrap_or_default().trim();
        let bytes = digest.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
        let bytes = bytes.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or_else(|| {
            ApiError::Invalid(format!(
                "{name} holds '{member}': write sha-256=:...: with the 32 bytes of the digest in base64 between the \
                 colons"
            ))
        })?;
        announced = announced.and(Announced { sha256: Some(Digest::from_bytes(bytes)), md5: None })?;
    }
    Ok(announced)
}

/// What is wrong when the announced digest is another than the one that was found.
fn mismatch(name: &str, wanted: [u8; 16], found: [u8; 16]) -> Option<String> {
    (wanted != found).then(|| {
        format!(
            "artifact '{name}': its bytes have the MD5 digest {}, but {} was announced; nothing was kept, send them \
             again",
            STANDARD.encode(found),
            STANDARD.encode(wanted)
        )
    })
}

/// `None` when it is not base64.
fn md5_of_base64(text: &str) -> Option<[u8; 16]> {
    let (mut hasher, mut block) = (Md5::new(), Vec::with_capacity(BLOCK));
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        block.push(byte);
        if block.len() == BLOCK {
            hasher.update(STANDARD.decode(&block).ok()?);
            block.clear();
        }
    }
    hasher.update(STANDARD.decode(&block).ok()?);
    Some(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    /// Of `abc`.
    const SHA256: &str = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
    const MD5: &str = "kAFQmDzST7DWlj99KOF/cg==";

    fn announced(pairs: &[(&str, &str)]) -> Result<Announced, String> {
        let pair =
            |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        Announced::in_headers(&pairs.iter().map(pair).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn sha_256_is_found_among_others() {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for value in [
            SHA256.to_owned(),
            format!("sha-512=:AAAA:, {SHA256};x=1"),
            format!("unixsum=:AA==:,{SHA256}"),
            SHA256.replace("sha", "SHA"),
        ] {
            let found = announced(&[("repr-digest", &value), ("content-digest", SHA256)]).unwrap();
            assert_eq!(found.sha256.unwrap().to_string(), digest, "{value}");
        }
        assert_eq!(announced(&[("repr-digest", "sha-512=:AAAA:")]).unwrap(), Announced::default());
        assert_eq!(announced(&[]).unwrap(), Announced::default());
    }

    #[test]
    fn what_is_no_digest_says_how_to_write_one() {
        for (name, value) in [
            ("repr-digest", "sha-256=abc"),
            ("repr-digest", "sha-256=:AAAA:"),
            ("content-digest", "sha-256"),
            ("content-digest", "sha-256=:!:"),
            ("content-md5", "AAAA"),
            ("content-md5", "900150983cd24fb0d6963f7d28e17f72"),
        ] {
            let error = announced(&[(name, value)]).unwrap_err();
            assert!(error.contains("base64"), "{error}");
        }
        let other = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
        let error = announced(&[("repr-digest", SHA256), ("content-digest", other)]).unwrap_err();
        assert!(error.contains("two different"), "{error}");
    }

    #[test]
    fn texts_are_checked_by_the_bytes_they_stand_for() {
        let md5 = announced(&[("content-md5", MD5)]).unwrap();
        assert!(md5.check_text("a", Encoding::Text, "abc").is_ok());
        assert!(md5.check_text("a", Encoding::Base64, " YW\nJj ").is_ok());
        assert!(md5.check_text("a", Encoding::Base64, "not base64").is_ok());
        let error = md5.check_text("a", Encoding::Base64, "YWJk").unwrap_err().to_string();
        assert!(error.starts_with("artifact 'a': its bytes have the MD5 digest"), "{error}");
        let long = vec![7; 200_000];
        let wanted = Some(Md5::digest(&long).into());
        let md5 = Announced { sha256: None, md5: wanted };
        assert!(md5.check_text("a", Encoding::Base64, &STANDARD.encode(&long)).is_ok());
    }
}
