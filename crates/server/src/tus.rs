//! The words of the tus protocol for resumable uploads, version 1.0.0: headers in, headers out. What is done with them is
//! the business of [`uploads`](crate::routes::uploads).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upnext_core::artifact::{Digest, UPLOAD_PATIENCE};
use upnext_core::{Artifact, Timestamp};

use crate::described::Described;
use crate::error::ApiError;
use crate::router::API;

const VERSION: &str = "1.0.0";

/// What is spoken beyond the core of the protocol.
const EXTENSIONS: &str = "creation,creation-with-upload,expiration,termination";

/// The media type of a piece.
pub(crate) const PIECE: &str = "application/offset+octet-stream";

/// What clients send.
pub(crate) const REQUEST_HEADERS: &[&str] = &[
    "tus-resumable",
    "upload-checksum",
    "upload-defer-length",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "x-http-method-override",
];

/// What they get back.
pub(crate) const RESPONSE_HEADERS: &[&str] = &[
    "location",
    "tus-extension",
    "tus-max-size",
    "tus-resumable",
    "tus-version",
    "upload-expires",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "upnext-artifact",
];

/// Names the version in every answer about uploads, and to OPTIONS (which the CORS layer answers) what is possible.
pub(crate) async fn add_headers(State(max_size): State<u64>, request: Request, next: Next) -> Response {
    let options = request.method() == Method::OPTIONS;
    let path = request.uri().path().strip_prefix(API).unwrap_or_default();
    let about_uploads =
        path.starts_with("/uploads/") || (path.starts_with("/jobs/") && path.ends_with("/uploads"));
    let mut response = next.run(request).await;
    if about_uploads {
        let headers = response.headers_mut();
        headers.insert("tus-resumable", HeaderValue::from_static(VERSION));
        headers.insert("tus-version", HeaderValue::from_static(VERSION));
        if options {
            headers.insert("tus-extension", HeaderValue::from_static(EXTENSIONS));
            headers.insert("tus-max-size", HeaderValue::from(max_size));
        }
    }
    response
}

/// Refuses a client of another version, and what this server would have to check but cannot.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    match text(headers, "tus-resumable")? {
        Some(VERSION) => {}
        other => {
            let shown = other.map_or_else(|| "missing".to_owned(), |other| format!("'{other}'"));
            return Err(ApiError::PreconditionFailed(format!(
                "Tus-Resumable is {shown}: this server speaks {VERSION}, so send Tus-Resumable: {VERSION}"
            )));
        }
    }
    if headers.contains_key("upload-checksum") {
        return Err(ApiError::BadRequest(
            "Upload-Checksum is not supported: give the digest of the whole as `sha256` in Upload-Metadata"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The number in a header that must be there.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Result<u64, ApiError> {
    let value = text(headers, name)?;
    let digits = value.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let shown = value.map_or_else(|| "missing".to_owned(), |value| format!("'{value}'"));
        ApiError::BadRequest(format!("{name} is {shown}: it must be a whole number of bytes"))
    })
}

/// The text of a header.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ApiError> {
    let value = headers.get(name).map(HeaderValue::to_str).transpose();
    let value = value.map_err(|_| ApiError::BadRequest(format!("{name} is not plain ASCII")))?;
    Ok(value.map(str::trim).filter(|text| !text.is_empty()))
}

/// What `Upload-Metadata` says about the artifact. Keys that mean nothing here are passed over, as clients send what they
/// like.
pub(crate) fn metadata(headers: &HeaderMap) -> Result<(Described, Option<Digest>), ApiError> {
    let (mut described, mut sha256) = (Described::default(), None);
    let Some(value) = text(headers, "upload-metadata")? else { return Ok((described, sha256)) };
    for pair in value.split(',').map(str::trim) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let decoded = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let value = decoded.ok_or_else(|| {
            ApiError::Invalid(format!("Upload-Metadata: the value of `{key}` is not UTF-8 in base64"))
        })?;
        let field = match key {
            "filename" => "name",
            "filetype" => "type",
            key => key,
        };
        // `name` and `filename` often come both, and say the same.
        let repeated = field == "name" && described.name.as_deref() == Some(value.as_str());
        if field == "sha256" && !value.is_empty() {
            let parsed = value.trim().parse();
            sha256 = Some(parsed.map_err(|error| ApiError::Invalid(format!("sha256: {error}")))?);
        } else if !repeated {
            described.take(field, &value)?;
        }
    }
    Ok((described, sha256))
}

/// `Upload-Metadata` for what is known about an upload.
pub(crate) fn metadata_of(upload: &Artifact) -> String {
    let mut pairs = vec![("name", upload.name.clone()), ("type", upload.artifact_type.as_str().to_owned())];
    pairs.extend(upload.labels.description.clone().map(|text| ("description", text)));
    pairs.extend(
        Some(upload.labels.tags.join(",")).filter(|tags| !tags.is_empty()).map(|tags| ("tags", tags)),
    );
    let sha256 = upload.sha256.or(upload.expected_sha256);
    pairs.extend(sha256.map(|sha256| ("sha256", sha256.to_string())));
    let pairs: Vec<String> =
        pairs.into_iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect();
    pairs.join(",")
}

/// When an upload is given up, as HTTP writes moments.
pub(crate) fn expires(begun: Timestamp) -> Option<(HeaderName, HeaderValue)> {
    let moment = jiff::Timestamp::from_microsecond(begun.after(UPLOAD_PATIENCE).as_micros()).ok()?;
    let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).ok()?;
    Some((HeaderName::from_static("upload-expires"), HeaderValue::try_from(text).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn read(metadata_text: &str) -> Result<(Described, Option<Digest>), String> {
        metadata(&headers(&[("upload-metadata", metadata_text)])).map_err(|error| error.to_string())
    }

    #[test]
    fn metadata_describes_the_artifact() {
        let sha256 = STANDARD.encode("ab".repeat(32));
        let text = format!(
            "filename YS50eHQ=,name YS50eHQ=, filetype dGV4dC9tYXJrZG93bg==,tags YSxi,is_confidential,relativePath eA==,\
             sha256 {sha256}"
        );
        let (described, digest) = read(&text).unwrap();
        assert_eq!(described.name.as_deref(), Some("a.txt"));
        assert_eq!(described.artifact_type.unwrap().as_str(), "text/markdown");
        assert_eq!(described.labels.tags, ["a", "b"]);
        assert_eq!(digest.unwrap().to_string(), "ab".repeat(32));
        assert!(metadata(&HeaderMap::new()).unwrap().0.name.is_none());
    }

    #[test]
    fn bad_metadata_is_named() {
        for (text, part) in [
            ("name !", "the value of `name`"),
            ("name YQ==,filename Yg==", "more than once"),
            ("sha256 YWI=", "64 hex digits"),
            ("type cGRm", "type: 'pdf'"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn numbers_are_plain_digits() {
        assert_eq!(number(&headers(&[("upload-length", " 17 ")]), "upload-length").unwrap(), 17);
        for bad in ["-1", "+1", "1.5", "", "99999999999999999999"] {
            assert!(number(&headers(&[("upload-length", bad)]), "upload-length").is_err(), "{bad}");
        }
    }

    #[test]
    fn the_end_of_patience_is_an_http_date() {
        let (_, value) = expires(Timestamp::from_micros(784_111_777_000_000)).unwrap();
        assert_eq!(value, "Mon, 07 Nov 1994 08:49:37 GMT");
    }
}
