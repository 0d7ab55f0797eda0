//! The client of Azure Blob Storage.
//!
//! Credentials are those Azure's own tools take: an account key, a shared access signature, a client secret, a workload
//! identity, or the machine's managed identity.

use std::sync::Arc;

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use upnext_core::settings::BucketSettings;

use crate::bucket::{BucketStorage, client_options, retries};
use crate::error::BlobError;
use crate::place::{Place, Service};
use crate::vars::Vars;

/// Names of variables with a shared access signature, which cannot sign further ones.
const SIGNATURES: [&str; 2] = ["AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN"];

/// `vars` are the `AZURE_*` variables; the settings win over them.
pub(crate) fn open(
    settings: &BucketSettings,
    account: Option<&str>,
    vars: &Vars,
) -> Result<BucketStorage, BlobError> {
    let place = Place { service: Service::Azure, bucket: settings.name.clone() };
    let mut builder = MicrosoftAzureBuilder::new();
    for (name, value) in vars.iter() {
        if name.starts_with("AZURE_")
            && let Ok(key) = name.to_ascii_lowercase().parse::<AzureConfigKey>()
        {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(url) = vars.get("IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(url);
    }
    if let Some(account) = account {
        builder = builder.with_account(account);
    } else if vars.get("AZURE_STORAGE_ACCOUNT_NAME").is_none() {
        return Err(place.unusable(
            "no storage account is named; set AZURE_STORAGE_ACCOUNT_NAME, or write the address as \
             abfss://container@account.dfs.core.windows.net/prefix",
        ));
    }
    let endpoint = vars.get("AZURE_STORAGE_ENDPOINT").or_else(|| vars.get("AZURE_ENDPOINT"));
    let store = builder
        .with_container_name(&settings.name)
        .with_retry(retries())
        .with_client_options(client_options(endpoint))
        .build()
        .map_err(|error| place.unusable(error))?;
    let store = Arc::new(store);
    let has_key = ["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_MASTER_KEY"]
        .iter()
        .any(|name| vars.get(name).is_some());
    let unsigned = !has_key && SIGNATURES.iter().any(|name| vars.get(name).is_some());
    let signer = (!unsigned).then(|| Arc::clone(&store) as _);
    Ok(BucketStorage { store, signer, unfinished: None, place, prefix: settings.prefix.clone() })
}
