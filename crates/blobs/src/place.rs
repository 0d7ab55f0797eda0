//! Which bucket of which service it is, and what a failed request to it means for whoever reads the sentence.
//!
//! Sentences name the bucket and the service's error code, never a request or a key.

use upnext_core::artifact::StorageName;

use crate::error::BlobError;

/// A service that keeps buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    S3,
    Gcs,
    Azure,
}

impl Service {
    pub(crate) const fn name(self) -> StorageName {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gcs",
            Self::Azure => "azure",
        }
    }

    /// How its people call it, and what it keeps objects in.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::S3 => ("S3", "bucket"),
            Self::Gcs => ("Google Cloud Storage", "bucket"),
            Self::Azure => ("Azure", "container"),
        }
    }

    /// Where the credentials are that may be wrong.
    const fn credentials(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the profile or role)",
            Self::Gcs => "GOOGLE_APPLICATION_CREDENTIALS (or the machine's service account)",
            Self::Azure => {
                "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (or the client or managed identity)"
            }
        }
    }

    /// Which settings name the bucket.
    const fn settings(self) -> &'static str {
        match self {
            Self::S3 => {
                "UPNEXT_ARTIFACT_STORAGE_URL (or UPNEXT_ARTIFACT_STORAGE_S3_BUCKET), \
                 UPNEXT_ARTIFACT_STORAGE_S3_REGION and UPNEXT_ARTIFACT_STORAGE_S3_ENDPOINT_URL"
            }
            Self::Gcs => "UPNEXT_ARTIFACT_STORAGE_URL",
            Self::Azure => "UPNEXT_ARTIFACT_STORAGE_URL and AZURE_STORAGE_ACCOUNT_NAME",
        }
    }
}

/// A bucket of a service.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) service: Service,
    pub(crate) bucket: String,
}

impl Place {
    /// `S3 bucket 'b'`.
    fn words(&self) -> String {
        let (service, bucket) = self.service.words();
        format!("{service} {bucket} '{}'", self.bucket)
    }

    /// What a failed request means, wherever an object that is not there would be no failure.
    pub(crate) fn broken(&self, action: &str, error: &object_store::Error) -> BlobError {
        let (reason, words) = (code_of(error), self.words());
        if is_denied(error, &reason) {
            return BlobError::Unusable(format!(
                "UpNext is not allowed to {action} the {words} ({reason}): check {} and what they may do",
                self.service.credentials()
            ));
        }
        if ["XMinioStorageFull", "QuotaExceeded", "507"].iter().any(|full| reason.contains(full)) {
            return BlobError::Full(format!("the {words} takes no more ({reason})"));
        }
        if asks_the_machine(error) {
            return BlobError::Unavailable(format!(
                "cannot {action} the {words}: no credentials are set, and this machine has no role that gives any; set {}",
                self.service.credentials()
            ));
        }
        BlobError::Unavailable(format!("cannot {action} the {words} ({reason})"))
    }

    /// What a failed request means that needs no object to be there.
    pub(crate) fn write_error(&self, error: &object_store::Error) -> BlobError {
        let is_gone = matches!(error, object_store::Error::NotFound { .. });
        // An upload in parts that the service, or a sweeper, gave up meanwhile: it can be begun again.
        if is_bucket_missing(error) || (is_gone && code_of(error) != "NoSuchUpload") {
            return self.no_such_bucket();
        }
        self.broken("write to", error)
    }

    pub(crate) fn no_such_bucket(&self) -> BlobError {
        BlobError::Unusable(format!(
            "the {} does not exist: create it, or set {} to the right one",
            self.words(),
            self.service.settings()
        ))
    }

    /// The settings or the environment say something that no client can be made of.
    pub(crate) fn unusable(&self, reason: impl std::fmt::Display) -> BlobError {
        BlobError::Unusable(format!(
            "the artifact storage in the {} cannot be used as configured: {reason}",
            self.words()
        ))
    }
}

/// True when the service says that it is the bucket that is not there, not the object.
pub(crate) fn is_bucket_missing(error: &object_store::Error) -> bool {
    ["NoSuchBucket", "ContainerNotFound"].contains(&code_of(error).as_str())
}

/// True when nothing but other keys or rights will help.
fn is_denied(error: &object_store::Error, reason: &str) -> bool {
    let denied =
        ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"];
    matches!(
        error,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
    ) || denied.contains(&reason)
}

/// True when it was the metadata service of the machine that did not answer, the last place to look for credentials.
fn asks_the_machine(error: &object_store::Error) -> bool {
    let text = error.to_string();
    ["/latest/api/token", "/latest/meta-data/", "/computeMetadata/", "/metadata/identity/"]
        .iter()
        .any(|path| text.contains(path))
}

/// The error in few words: the service's answer may hold signatures and key ids, and is cut down to its code.
pub(crate) fn code_of(error: &object_store::Error) -> String {
    let text = error.to_string();
    if let Some((_, rest)) = text.split_once("<Code>")
        && let Some((code, _)) = rest.split_once("</Code>")
    {
        return code.chars().take(60).collect();
    }
    // The innermost cause that is no answer of the service says what is wrong with the connection.
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = cause.to_string();
    let line = cause.split(['<', '\n']).next().unwrap_or_default().trim_end_matches([':', ' ']);
    line.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(service: Service) -> Place {
        Place { service, bucket: "b".to_owned() }
    }

    #[test]
    fn an_answer_is_cut_down_to_its_code() {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        let error = object_store::Error::PermissionDenied { path: "x".into(), source: body.into() };
        let sentence = place(Service::S3).broken("write to", &error).to_string();
        assert!(sentence.contains("(SignatureDoesNotMatch)") && !sentence.contains("AKIA"), "{sentence}");
    }

    #[test]
    fn nothing_found_where_nothing_is_looked_for_means_no_bucket() {
        let error = object_store::Error::NotFound { path: "x".into(), source: "404".into() };
        for (service, begins, names) in [
            (Service::S3, "the S3 bucket 'b' does not exist: create it", "UPNEXT_ARTIFACT_STORAGE_S3_BUCKET"),
            (Service::Gcs, "the Google Cloud Storage bucket 'b' does", "UPNEXT_ARTIFACT_STORAGE_URL"),
            (Service::Azure, "the Azure container 'b' does not exist", "AZURE_STORAGE_ACCOUNT_NAME"),
        ] {
            let error = place(service).write_error(&error);
            assert!(matches!(error, BlobError::Unusable(_)), "{error:?}");
            let sentence = error.to_string();
            assert!(sentence.starts_with(begins) && sentence.contains(names), "{sentence}");
        }
    }

    #[test]
    fn an_upload_that_was_given_up_may_be_tried_again() {
        let body = "<Error><Code>NoSuchUpload</Code></Error>";
        let error = object_store::Error::NotFound { path: "x".into(), source: body.into() };
        assert!(place(Service::S3).write_error(&error).retryable());
    }

    #[test]
    fn a_machine_without_a_role_is_told_what_to_set() {
        let error = object_store::Error::Generic {
            store: "S3",
            source: "Error performing PUT http://169.254.169.254/latest/api/token in 1s".into(),
        };
        let sentence = place(Service::S3).broken("read", &error).to_string();
        assert!(sentence.contains("no credentials are set") && sentence.contains("AWS_ACCESS_KEY_ID"));
    }
}
