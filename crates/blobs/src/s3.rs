//! The client of AWS S3, or of any service that speaks its protocol: its address and its credentials.
//!
//! Every request that carries bytes also carries their SHA-256, which the service checks before it stores them.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use upnext_core::settings::{AddressingStyle, BucketSettings, S3Settings};

use crate::abandoned::Unfinished;
use crate::aws_profile::{Profile, ProfileCredentials};
use crate::bucket::{BucketStorage, client_options, retries};
use crate::error::BlobError;
use crate::place::{Place, Service};
use crate::vars::Vars;

/// `vars` are the `AWS_*` variables with credentials and the like; the settings win over them.
pub(crate) fn open(
    settings: &BucketSettings,
    service: &S3Settings,
    vars: &Vars,
) -> Result<BucketStorage, BlobError> {
    let place = Place { service: Service::S3, bucket: settings.name.clone() };
    let profile = Profile::read(vars).map_err(|reason| place.unusable(reason))?.unwrap_or_default();
    let mut builder = AmazonS3Builder::new();
    for (name, value) in vars.iter() {
        if name.starts_with("AWS_")
            && let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
        {
            builder = builder.with_config(key, value);
        }
    }
    builder = builder
        .with_bucket_name(&settings.name)
        .with_checksum_algorithm(Checksum::SHA256)
        .with_disable_bulk_delete(true)
        .with_retry(retries());
    let region = service
        .region
        .as_deref()
        .or_else(|| vars.get("AWS_REGION"))
        .or_else(|| vars.get("AWS_DEFAULT_REGION"))
        .or_else(|| profile.get("region"));
    if let Some(region) = region {
        builder = builder.with_region(region);
    }
    let endpoint = service
        .endpoint_url
        .as_deref()
        .or_else(|| vars.get("AWS_ENDPOINT_URL_S3"))
        .or_else(|| vars.get("AWS_ENDPOINT_URL"))
        .or_else(|| profile.get("endpoint_url"));
    let is_virtual = is_virtual(service.addressing, endpoint, &settings.name);
    if let Some(url) = endpoint {
        let url = if is_virtual { bucket_in_host(url, &settings.name) } else { url.to_owned() };
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, &url).with_endpoint(&url);
    }
    builder =
        builder.with_virtual_hosted_style_request(is_virtual).with_client_options(client_options(endpoint));
    builder = with_credentials(builder, profile, vars).map_err(|reason| place.unusable(reason))?;
    let store = Arc::new(builder.build().map_err(|error| place.unusable(error))?);
    let unfinished = Unfinished::new(Arc::clone(&store)).map_err(|error| place.unusable(error))?;
    let unsigned = vars.get("AWS_SKIP_SIGNATURE").is_some_and(|value| value != "false" && value != "0");
    let signer = (!unsigned).then(|| Arc::clone(&store) as _);
    let unfinished = (!unsigned).then(|| Arc::new(unfinished));
    Ok(BucketStorage { store, signer, unfinished, place, prefix: settings.prefix.clone() })
}

/// What the client does not look for by itself: the files in `~/.aws`. As with other AWS tools, keys in the environment and a
/// web identity come before them, the role of the container or the machine after them.
fn with_credentials(
    mut builder: AmazonS3Builder,
    profile: Profile,
    vars: &Vars,
) -> Result<AmazonS3Builder, String> {
    let is_set = |name: &str| vars.get(name).is_some();
    let keys = is_set("AWS_ACCESS_KEY_ID") || is_set("AWS_SECRET_ACCESS_KEY");
    if keys || (is_set("AWS_WEB_IDENTITY_TOKEN_FILE") && is_set("AWS_ROLE_ARN")) {
        return Ok(builder);
    }
    for (name, key) in [
        ("web_identity_token_file", AmazonS3ConfigKey::WebIdentityTokenFile),
        ("role_arn", AmazonS3ConfigKey::RoleArn),
        ("role_session_name", AmazonS3ConfigKey::RoleSessionName),
    ] {
        if let Some(value) = profile.get(name) {
            builder = builder.with_config(key, value);
        }
    }
    Ok(match ProfileCredentials::of(profile)? {
        Some(credentials) => builder.with_credentials(Arc::new(credentials)),
        None => builder,
    })
}

fn is_virtual(style: AddressingStyle, endpoint: Option<&str>, bucket: &str) -> bool {
    match style {
        AddressingStyle::Path => false,
        AddressingStyle::Virtual => true,
        // A certificate of AWS covers one label before the service's name, not two.
        AddressingStyle::Auto => endpoint.is_none() && !bucket.contains('.'),
    }
}

/// `https://host:port` becomes `https://bucket.host:port`, unless the bucket is in there already.
fn bucket_in_host(endpoint: &str, bucket: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    match endpoint.split_once("://") {
        Some((scheme, host)) if !host.starts_with(&format!("{bucket}.")) => {
            format!("{scheme}://{bucket}.{host}")
        }
        _ => endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use upnext_core::artifact::Digest;
    use upnext_core::settings::ServiceSettings;

    use super::*;

    fn open_with(
        vars: &[(&str, &str)],
        name: &str,
        endpoint_url: Option<&str>,
        addressing: AddressingStyle,
    ) -> Result<BucketStorage, BlobError> {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let endpoint_url = endpoint_url.map(str::to_owned);
        let s3 = S3Settings { region: None, endpoint_url, addressing };
        let settings = BucketSettings {
            service: ServiceSettings::S3(s3),
            name: name.to_owned(),
            prefix: "p/q".to_owned(),
        };
        BucketStorage::open(&settings, &vars)
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIA123"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];

    #[test]
    fn secrets_are_in_no_debug_output() {
        let storage = open_with(&KEYS, "b", None, AddressingStyle::Auto).unwrap();
        let text = format!("{storage:?}");
        assert!(!text.contains("hunter2") && !text.contains("AKIA123"), "{text}");
        assert!(storage.path(Digest::from_bytes([1; 32])).as_ref().starts_with("p/q/sha256/01/01/"));
    }

    #[tokio::test]
    async fn the_bucket_stands_where_the_style_says() {
        for (name, endpoint, style, begins) in [
            ("b", None, AddressingStyle::Auto, "https://b.s3.us-east-1.amazonaws.com/p/q/"),
            ("b.c", None, AddressingStyle::Auto, "https://s3.us-east-1.amazonaws.com/b.c/p/q/"),
            ("b", None, AddressingStyle::Path, "https://s3.us-east-1.amazonaws.com/b/p/q/"),
            ("b", Some("http://h:9000"), AddressingStyle::Auto, "http://h:9000/b/p/q/"),
            ("b", Some("http://h:9000/"), AddressingStyle::Virtual, "http://b.h:9000/p/q/"),
            ("b", Some("https://b.h"), AddressingStyle::Virtual, "https://b.h/p/q/"),
        ] {
            let storage = open_with(&KEYS, name, endpoint, style).unwrap();
            let digest = Digest::from_bytes([1; 32]);
            let url = storage.download_url(digest, Duration::from_secs(9)).await.unwrap().unwrap();
            assert!(url.starts_with(begins), "{url} begins with {begins}");
        }
    }

    #[tokio::test]
    async fn a_profile_gives_keys_region_and_address() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".aws")).unwrap();
        let write = |file: &str, text: &str| std::fs::write(folder.path().join(".aws").join(file), text);
        write("credentials", "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = s\n").unwrap();
        write("config", "[profile work]\nregion = eu-central-1\n").unwrap();
        let home = folder.path().to_str().unwrap();
        let vars = [("HOME", home), ("AWS_PROFILE", "work")];
        let storage = open_with(&vars, "b", None, AddressingStyle::Auto).unwrap();
        let digest = Digest::from_bytes([1; 32]);
        let url = storage.download_url(digest, Duration::from_secs(9)).await.unwrap().unwrap();
        assert!(url.starts_with("https://b.s3.eu-central-1.amazonaws.com/"), "{url}");
        assert!(url.contains("Credential=AKIAWORK%2F"), "{url}");

        let missing = [("HOME", home), ("AWS_PROFILE", "play")];
        let error = open_with(&missing, "b", None, AddressingStyle::Auto).unwrap_err().to_string();
        assert!(error.contains("AWS profile 'play' is in neither"), "{error}");
        // Keys in the environment come first.
        let both = [vars.as_slice(), KEYS.as_slice()].concat();
        let storage = open_with(&both, "b", None, AddressingStyle::Auto).unwrap();
        let url = storage.download_url(digest, Duration::from_secs(9)).await.unwrap().unwrap();
        assert!(url.contains("Credential=AKIA123%2F"), "{url}");
    }

    #[tokio::test]
    async fn an_endpoint_without_a_service_is_unavailable() {
        // Nobody listens on the discard port.
        let storage = open_with(&KEYS, "b", Some("http://127.0.0.1:9"), AddressingStyle::Auto).unwrap();
        let error = storage.check().await.unwrap_err();
        assert!(matches!(&error, BlobError::Unavailable(_)) && error.retryable(), "{error}");
        assert!(error.to_string().contains("bucket 'b'"), "{error}");
    }
}
