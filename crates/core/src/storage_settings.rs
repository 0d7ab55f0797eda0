//! Where larger artifacts are stored: a folder, or a bucket of one of three services, as one address names it.

use std::fmt;
use std::path::PathBuf;

/// The prefix of keys in a bucket when none is named.
pub(crate) const DEFAULT_PREFIX: &str = "upnext/artifacts";

/// Where larger artifacts are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageSettings {
    /// Files under this folder.
    Local {
        /// The folder.
        root: PathBuf,
    },
    /// Objects in a bucket.
    Bucket(BucketSettings),
}

impl StorageSettings {
    /// `local`, `s3`, `gcs` or `azure`: what `storage_backend` of an artifact says.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
            Self::Bucket(bucket) => bucket.service.name(),
        }
    }
}

impl fmt::Display for StorageSettings {
    /// For a person to read: the folder, or the bucket's address. Holds no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { root } => root.display().fmt(f),
            Self::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

/// A bucket, or a container as Azure calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// Whose it is.
    pub service: ServiceSettings,
    /// Its name.
    pub name: String,
    /// Prefix of every key, without slashes at its ends; empty for none.
    pub prefix: String,
}

impl fmt::Display for BucketSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.service {
            ServiceSettings::S3(_) => "s3",
            ServiceSettings::Gcs => "gs",
            ServiceSettings::Azure { .. } => "az",
        };
        write!(f, "{scheme}://{}/{}", self.name, self.prefix)
    }
}

/// A service that keeps buckets. Credentials are no settings of ours: each service's usual variables hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceSettings {
    /// AWS S3, or whatever speaks its protocol.
    S3(S3Settings),
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure {
        /// The storage account. Without it `AZURE_STORAGE_ACCOUNT_NAME` names it.
        account: Option<String>,
    },
}

impl ServiceSettings {
    const fn name(&self) -> &'static str {
        match self {
            Self::S3(_) => "s3",
            Self::Gcs => "gcs",
            Self::Azure { .. } => "azure",
        }
    }
}

/// How an S3 service is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct S3Settings {
    /// The region, if named.
    pub region: Option<String>,
    /// Address of an S3-compatible service, if it is not AWS.
    pub endpoint_url: Option<String>,
    /// Where the bucket's name stands in addresses.
    pub addressing: AddressingStyle,
}

/// Where a bucket's name stands in the addresses of an S3 service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressingStyle {
    /// In the host name for AWS, unless the name holds a dot; in the path for a service at an address of its own.
    #[default]
    Auto,
    /// `https://service/bucket/key`.
    Path,
    /// `https://bucket.service/key`.
    Virtual,
}

/// What an address of a storage has to look like.
pub(crate) const STORAGE_URL_RULE: &str = "must be s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, \
     abfss://container@account.dfs.core.windows.net/prefix or file:///folder, without credentials; they come from the \
     service's usual variables";

/// The storage at this address; `s3` says how S3 is reached, should it be S3. `None` for what is no such address.
pub(crate) fn parse_storage_url(url: &str, s3: S3Settings) -> Option<StorageSettings> {
    let (scheme, rest) = url.split_once("://")?;
    if rest.contains(['?', '#']) || rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "file" {
        let root = rest.strip_prefix("localhost").unwrap_or(rest);
        return root.starts_with('/').then(|| StorageSettings::Local { root: PathBuf::from(root) });
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (service, name) = match scheme.as_str() {
        "s3" | "s3a" => (ServiceSettings::S3(s3), authority),
        "gs" | "gcs" => (ServiceSettings::Gcs, authority),
        "az" | "azure" | "abfs" | "abfss" => {
            let (name, account) = match authority.split_once('@') {
                Some((name, host)) => (name, Some(azure_account(host)?.to_owned())),
                None => (authority, None),
            };
            (ServiceSettings::Azure { account }, name)
        }
        _ => return None,
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return None;
    }
    let prefix = Some(path.trim_matches('/')).filter(|prefix| !prefix.is_empty()).unwrap_or(DEFAULT_PREFIX);
    Some(StorageSettings::Bucket(BucketSettings {
        service,
        name: name.to_owned(),
        prefix: prefix.to_owned(),
    }))
}

/// The account in `account.dfs.core.windows.net` or `account.blob.core.windows.net`.
fn azure_account(host: &str) -> Option<&str> {
    let (account, domain) = host.split_once('.')?;
    let known = ["dfs.core.windows.net", "blob.core.windows.net"].contains(&domain);
    (known && !account.is_empty() && account.chars().all(|c| c.is_ascii_alphanumeric())).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Option<StorageSettings> {
        parse_storage_url(url, S3Settings::default())
    }

    #[test]
    fn every_service_has_its_addresses() {
        for (url, name, shown) in [
            ("s3://b/p/q/", "s3", "s3://b/p/q"),
            ("s3a://b.with.dots", "s3", "s3://b.with.dots/upnext/artifacts"),
            ("gs://b/p", "gcs", "gs://b/p"),
            ("gcs://b/", "gcs", "gs://b/upnext/artifacts"),
            ("az://c/p", "azure", "az://c/p"),
            ("abfs://c/p", "azure", "az://c/p"),
            ("file:///data/x", "local", "/data/x"),
        ] {
            let settings = parse(url).unwrap_or_else(|| panic!("{url} is an address"));
            assert_eq!((settings.name(), settings.to_string().as_str()), (name, shown), "{url}");
        }
        let StorageSettings::Bucket(bucket) = parse("abfss://c@acc.dfs.core.windows.net/p").unwrap() else {
            panic!("a container");
        };
        assert_eq!(bucket.service, ServiceSettings::Azure { account: Some("acc".to_owned()) });
        assert_eq!((bucket.name.as_str(), bucket.prefix.as_str()), ("c", "p"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "b/p",
            "s3://",
            "s3:///p",
            "s3://key:secret@b/p",
            "s3://b:9000/p",
            "s3://b/p?versions",
            "gs://b c/p",
            "az://c@example.com/p",
            "az://c@a:key.blob.core.windows.net/p",
            "file://host/data",
            "file://data",
            "ftp://b/p",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }
}
