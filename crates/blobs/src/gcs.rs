//! The client of Google Cloud Storage.
//!
//! Credentials are those Google's own tools take: a service account's key file or the user's login
//! (`GOOGLE_APPLICATION_CREDENTIALS`, or the file `gcloud` writes), else the machine's service account.

use std::sync::Arc;

use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use upnext_core::settings::BucketSettings;

use crate::bucket::{BucketStorage, client_options, retries};
use crate::error::BlobError;
use crate::place::{Place, Service};
use crate::vars::Vars;

/// `vars` are the `GOOGLE_*` variables; the settings win over them.
pub(crate) fn open(settings: &BucketSettings, vars: &Vars) -> Result<BucketStorage, BlobError> {
    let place = Place { service: Service::Gcs, bucket: settings.name.clone() };
    let mut builder = GoogleCloudStorageBuilder::new();
    for (name, value) in vars.iter() {
        if name.starts_with("GOOGLE_")
            && let Ok(key) = name.to_ascii_lowercase().parse::<GoogleConfigKey>()
        {
            builder = builder.with_config(key, value);
        }
    }
    let store = builder
        .with_bucket_name(&settings.name)
        .with_retry(retries())
        .with_client_options(client_options(vars.get("GOOGLE_BASE_URL")))
        .build()
        .map_err(|error| place.unusable(error))?;
    let store = Arc::new(store);
    // Whoever sends unsigned requests, or a ready-made token, has nothing to sign with.
    let unsigned =
        ["GOOGLE_SKIP_SIGNATURE", "GOOGLE_BEARER_TOKEN"].iter().any(|name| vars.get(name).is_some());
    let signer = (!unsigned).then(|| Arc::clone(&store) as _);
    Ok(BucketStorage { store, signer, unfinished: None, place, prefix: settings.prefix.clone() })
}
