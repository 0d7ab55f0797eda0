//! Uploads in parts that nobody completed: S3 keeps, and charges for, their parts until somebody takes them back.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use http::Method;
use object_store::aws::AmazonS3;
use object_store::multipart::MultipartStore as _;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer as _};
use serde::Deserialize;
use upnext_core::artifact::Digest;
use upnext_core::{Clock as _, SystemClock, Timestamp};

use crate::bucket::{BucketStorage, is_older};
use crate::error::BlobError;

/// How long the service may take for one page of the list.
const PAGE_WITHIN: Duration = Duration::from_secs(60);

/// Finds the unfinished uploads of a bucket and takes them back.
pub(crate) struct Unfinished {
    store: Arc<AmazonS3>,
    /// The client of the store does not list them: the list is asked for by a signed address.
    http: reqwest::Client,
}

/// One page of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Page {
    #[serde(rename = "Upload")]
    uploads: Vec<Upload>,
    is_truncated: bool,
    next_key_marker: String,
    next_upload_id_marker: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    upload_id: String,
    initiated: Timestamp,
}

impl Unfinished {
    pub(crate) fn new(store: Arc<AmazonS3>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(PAGE_WITHIN)
            .build()?;
        Ok(Self { store, http })
    }

    /// Takes back those under `prefix` that are older than `age`, and answers how many. Others' are left alone, also in a bucket
    /// without a prefix: only keys that name a digest are ours.
    async fn sweep(&self, prefix: &Path, age: Duration) -> Result<usize, String> {
        let mut swept = 0;
        let (mut key_marker, mut id_marker) = (String::new(), String::new());
        loop {
            let page = self.page(prefix, &key_marker, &id_marker).await?;
            for upload in page.uploads.iter().filter(|upload| upload.is_older_than(age)) {
                let path = Path::from(upload.key.as_str());
                let is_ours = path.prefix_matches(prefix)
                    && path.filename().is_some_and(|name| name.parse::<Digest>().is_ok());
                if !is_ours {
                    continue;
                }
                match self.store.abort_multipart(&path, &upload.upload_id).await {
                    Ok(()) => swept += 1,
                    // It came to an end meanwhile.
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(crate::place::code_of(&error)),
                }
            }
            let markers = (page.next_key_marker, page.next_upload_id_marker);
            if !page.is_truncated || markers == (key_marker, id_marker) {
                return Ok(swept);
            }
            (key_marker, id_marker) = markers;
        }
    }

    async fn page(&self, prefix: &Path, key_marker: &str, id_marker: &str) -> Result<Page, String> {
        let mut query = vec![("uploads", String::new()), ("prefix", format!("{prefix}/"))];
        if !key_marker.is_empty() {
            query.push(("key-marker", key_marker.to_owned()));
            query.push(("upload-id-marker", id_marker.to_owned()));
        }
        let options = SignedUrlOptions::default().with_query(query);
        let url = self.store.signed_url_opts(Method::GET, &Path::default(), PAGE_WITHIN, &options).await;
        let url = url.map_err(|error| crate::place::code_of(&error))?;
        // Addresses are secrets for as long as they work: errors lose theirs.
        let response = self.http.get(url).send().await.map_err(|error| error.without_url().to_string())?;
        if !response.status().is_success() {
            return Err(format!("the service answers {}", response.status()));
        }
        let text = response.text().await.map_err(|error| error.without_url().to_string())?;
        quick_xml::de::from_str(&text).map_err(|error| format!("the service's list cannot be read: {error}"))
    }
}

impl Upload {
    fn is_older_than(&self, age: Duration) -> bool {
        self.initiated <= SystemClock.now().before(age)
    }
}

impl BucketStorage {
    /// Removes what was put to an address, and takes back what was begun in parts, longer than `older_than` ago.
    pub(crate) async fn sweep_temporary(&self, older_than: Duration) -> Result<usize, BlobError> {
        let handed_in = self.sweep_handed_in(older_than).await?;
        let Some(unfinished) = &self.unfinished else { return Ok(handed_in) };
        let blobs = Path::from(format!("{}/sha256", self.prefix));
        match unfinished.sweep(&blobs, older_than).await {
            Ok(swept) => Ok(handed_in + swept),
            // A right that is missing here must not stop the rest of the sweep: a rule of the bucket can do the same.
            Err(reason) => {
                tracing::warn!(
                    bucket = self.place.bucket,
                    reason,
                    "cannot take back unfinished uploads; allow s3:ListBucketMultipartUploads, or give the bucket a lifecycle \
                     rule with AbortIncompleteMultipartUpload"
                );
                Ok(handed_in)
            }
        }
    }

    /// Removes what was put to an address longer than `older_than` ago and is still there: nobody asked for it.
    async fn sweep_handed_in(&self, older_than: Duration) -> Result<usize, BlobError> {
        let mut listed = self.store.list(Some(&self.incoming()));
        let mut swept = 0;
        while let Some(found) = listed.next().await {
            let found = found.map_err(|error| self.place.broken("list", &error))?;
            if is_older(&found, older_than) && self.remove(&found.location).await? {
                swept += 1;
            }
        }
        Ok(swept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_a_service_is_read() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Bucket>b</Bucket><KeyMarker></KeyMarker><NextKeyMarker>k2</NextKeyMarker>
              <NextUploadIdMarker>a&amp;b</NextUploadIdMarker><IsTruncated>true</IsTruncated>
              <Upload><Key>k1</Key><UploadId>x&lt;1</UploadId><Initiated>2010-11-10T20:48:33.000Z</Initiated>
                <Owner><ID>o</ID></Owner></Upload>
              <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>
              <Upload><Key>k2</Key><UploadId>2</UploadId><Initiated>2999-11-10T20:48:33.000Z</Initiated></Upload>
            </ListMultipartUploadsResult>"#;
        let page: Page = quick_xml::de::from_str(text).unwrap();
        assert_eq!((page.is_truncated, page.next_upload_id_marker.as_str()), (true, "a&b"));
        let old: Vec<bool> =
            page.uploads.iter().map(|upload| upload.is_older_than(Duration::from_secs(9))).collect();
        assert_eq!((old, page.uploads[0].upload_id.as_str()), (vec![true, false], "x<1"));
    }
}
