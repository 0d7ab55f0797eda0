//! The cases against emulators of the services, which `tests/emulators.py` starts. One that does not run is passed over.
#![allow(clippy::print_stdout, reason = "it tells what was passed over")]

use std::time::Duration;

use upnext_blobs::BlobStore;
use upnext_core::Settings;

use crate::{Stand, digest, listed, read, sample};

/// A storage in a folder of its own of the bucket, `None` when the emulator does not run.
fn stand(service: &str, test: &str) -> Option<Stand> {
    let var = |name: &str| std::env::var(format!("UPNEXT_TEST_{name}")).ok();
    let Some(url) = var(&format!("{service}_URL")) else {
        println!("no emulator of {service}: passed over");
        return None;
    };
    let (scheme, vars) = match service {
        "AZURE" => {
            let names = ["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ENDPOINT"];
            ("az", names.into_iter().zip([var("AZURE_ACCOUNT")?, var("AZURE_KEY")?, url]).collect::<Vec<_>>())
        }
        _ => {
            let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3"];
            ("s3", names.into_iter().zip(["test".to_owned(), "test".to_owned(), url]).collect())
        }
    };
    let place = [
        ("HOME".to_owned(), "/".to_owned()),
        ("UPNEXT_ARTIFACT_STORAGE_URL".to_owned(), format!("{scheme}://artifacts/{test}")),
    ];
    let settings = Settings::from_vars(place).unwrap().settings.artifact_storage;
    let vars = vars.into_iter().map(|(name, value)| (name.to_owned(), value));
    let blobs = BlobStore::open_with_vars(&settings, vars).unwrap();
    Some(Stand::elsewhere(blobs))
}

/// Makes one test of each case for each service that has an emulator.
macro_rules! on_every_emulator {
    ($($case:ident),+ $(,)?) => {
        on_every_emulator!(on_azure, "AZURE", $($case),+);
        on_every_emulator!(on_moto, "S3", $($case),+);
    };
    ($module:ident, $service:literal, $($case:ident),+) => {
        mod $module {
            $(#[tokio::test]
            #[ignore = "needs an emulator: python crates/blobs/tests/emulators.py"]
            async fn $case() {
                if let Some(stand) = super::stand($service, stringify!($case)) {
                    super::$case(&stand).await;
                }
            })+
        }
    };
}

use crate::cases::{
    a_broken_source_stores_nothing, a_working_storage_passes_its_check, bytes_come_back_as_they_were,
    deleted_blobs_are_gone, files_and_readers_are_stored, many_may_store_the_same_bytes_at_once,
    missing_blobs_are_named, ranges_give_parts, staged_bytes_can_be_committed_again,
    streams_of_every_size_are_stored,
};

on_every_emulator!(
    bytes_come_back_as_they_were,
    ranges_give_parts,
    streams_of_every_size_are_stored,
    files_and_readers_are_stored,
    a_broken_source_stores_nothing,
    staged_bytes_can_be_committed_again,
    many_may_store_the_same_bytes_at_once,
    missing_blobs_are_named,
    deleted_blobs_are_gone,
    a_working_storage_passes_its_check,
    large_blobs_go_in_parts,
    signed_addresses_work,
    sweeping_keeps_what_is_stored,
);

async fn large_blobs_go_in_parts(stand: &Stand) {
    let bytes = sample(21 * 1024 * 1024);
    let stored = stand.blobs.put_reader(std::io::Cursor::new(bytes.clone()), 1 << 30).await.unwrap();
    assert_eq!(stand.blobs.size(stored.sha256).await.unwrap(), Some(bytes.len() as u64));
    assert!(read(&stand.blobs, stored.sha256, None).await.unwrap() == bytes);
}

async fn signed_addresses_work(stand: &Stand) {
    let client = reqwest::Client::new();
    let (bytes, valid) = (sample(70_000), Duration::from_secs(60));
    let Some(address) = stand.blobs.blob_upload_url(digest(&bytes), valid).await.unwrap() else {
        println!("{} signs nothing with these credentials", stand.blobs.storage());
        return;
    };
    let put =
        address.headers.iter().fold(client.put(&address.url), |put, (name, value)| put.header(name, value));
    assert!(put.body(bytes.clone()).send().await.unwrap().status().is_success());
    assert!(read(&stand.blobs, digest(&bytes), None).await.unwrap() == bytes);
    let url = stand.blobs.download_url(digest(&bytes), valid).await.unwrap().unwrap();
    assert!(client.get(&url).send().await.unwrap().bytes().await.unwrap() == bytes);
    assert_eq!(stand.blobs.has_addresses(), stand.blobs.storage() != "azure");
    if let Some(url) = stand.blobs.upload_url("name", valid).await.unwrap() {
        assert!(client.put(&url).body(bytes.clone()).send().await.unwrap().status().is_success());
        assert!(stand.blobs.read_handed_in("name").await.unwrap().is_some());
        assert_eq!(stand.blobs.sweep_temporary(Duration::ZERO).await.unwrap(), 1);
        assert!(stand.blobs.read_handed_in("name").await.unwrap().is_none());
    }
}

async fn sweeping_keeps_what_is_stored(stand: &Stand) {
    let bytes = sample(9 * 1024 * 1024);
    let stored = stand.blobs.put_reader(std::io::Cursor::new(bytes), 1 << 30).await.unwrap();
    assert_eq!(stand.blobs.sweep_temporary(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(listed(&stand.blobs, Duration::ZERO).await, [stored.sha256]);
}
