//! The composition root: settings become a [`Deployment`], the pair of a job backend and an artifact storage.
//!
//! The only crate that names concrete backends; everything else holds `Arc<dyn Backend>`.

use std::path::PathBuf;
use std::sync::Arc;

use upnext_artifacts::ArtifactService;
use upnext_blobs::{BlobError, BlobStore};
use upnext_core::settings::{BackendKind, StorageSettings};
use upnext_core::{Backend, BackendError, Client, Clock, Settings, SystemClock};
use upnext_sqlite::SqliteOptions;

/// Everything a face needs: where jobs are kept and where artifacts go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Submits, waits, cancels.
    pub client: Client,
    /// Makes and reads artifacts.
    pub artifacts: ArtifactService,
    /// What it was opened with.
    pub settings: Arc<Settings>,
}

impl Deployment {
    /// Where jobs are kept, for a person to read: a file, the address of a server, or the kind of a database, whose URL may
    /// hold a password.
    #[must_use]
    pub fn place(&self) -> String {
        if let Some(url) = through(&self.settings) {
            return url.to_owned();
        }
        match (self.client.backend().kind(), &self.settings.database_url) {
            ("sqlite", None) => self.settings.database_file().display().to_string(),
            ("sqlite", Some(url)) => url.clone(),
            (kind, _) => kind.to_owned(),
        }
    }

    /// Where artifacts are kept that are too large for the job database, for a person to read.
    #[must_use]
    pub fn storage_place(&self) -> String {
        match (through(&self.settings), &self.settings.artifact_storage) {
            (Some(url), _) => format!("{url} ({})", self.artifacts.blobs().storage()),
            (None, StorageSettings::Local { root }) => root.display().to_string(),
            (None, StorageSettings::S3 { bucket, prefix, .. }) => format!("s3://{bucket}/{prefix}"),
        }
    }
}

/// Why a deployment could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL or the choice of backend cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// The job backend could not be opened.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The artifact storage could not be opened.
    #[error(transparent)]
    Storage(#[from] BlobError),
}

/// Opens what these settings name. Must be called inside a tokio runtime.
///
/// # Errors
/// One sentence that names the setting or file and what is wrong with it.
pub async fn open(settings: Settings) -> Result<Deployment, OpenError> {
    open_with_clock(settings, Arc::new(SystemClock)).await
}

/// The same with a clock of the caller's choice, for tests. Backends that are servers have a clock of their own.
///
/// # Errors
/// As [`open`].
pub async fn open_with_clock(settings: Settings, clock: Arc<dyn Clock>) -> Result<Deployment, OpenError> {
    let (backend, blobs) = match through(&settings) {
        // Who has no database of its own has no storage either: both are the server's.
        Some(url) => upnext_remote::open(url, settings.api_key.as_deref()).await?,
        None => (open_backend(&settings, clock).await?, BlobStore::open(&settings.artifact_storage)?),
    };
    let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
    Ok(Deployment { client: Client::new(backend), artifacts, settings: Arc::new(settings) })
}

/// Replaces the database of `settings` by the one that `url` names (`sqlite:///...`, `postgres://...`, `redis://...`), or by
/// the server at `http://...`.
///
/// # Errors
/// When the scheme is not one of these.
pub fn with_url(mut settings: Settings, url: &str) -> Result<Settings, OpenError> {
    if is_server(url) {
        let url = Some(url.to_owned());
        return Ok(Settings { url, backend: None, database_url: None, redis_url: None, ..settings });
    }
    let kind = kind_of(url)?;
    settings.backend = Some(kind);
    match kind {
        BackendKind::Redis => settings.redis_url = Some(url.to_owned()),
        BackendKind::Sqlite | BackendKind::Postgres => settings.database_url = Some(url.to_owned()),
    }
    Ok(settings)
}

fn is_server(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// The server that these settings work through; `None` when they name a database, or nothing.
fn through(settings: &Settings) -> Option<&str> {
    let database =
        settings.backend.is_some() || settings.database_url.is_some() || settings.redis_url.is_some();
    settings.url.as_deref().filter(|_| !database)
}

fn kind_of(url: &str) -> Result<BackendKind, OpenError> {
    match url.split_once(':').map_or("", |(scheme, _)| scheme) {
        "sqlite" => Ok(BackendKind::Sqlite),
        "postgres" | "postgresql" => Ok(BackendKind::Postgres),
        "redis" | "rediss" | "valkey" => Ok(BackendKind::Redis),
        scheme => Err(OpenError::Invalid(format!(
            "a database URL begins with sqlite:, postgres: or redis: (a server's with http:), not with '{scheme}:'"
        ))),
    }
}

fn chosen_kind(settings: &Settings) -> Result<BackendKind, OpenError> {
    match (settings.backend, &settings.database_url, &settings.redis_url) {
        (Some(kind), ..) => Ok(kind),
        (None, Some(url), _) => kind_of(url),
        (None, None, Some(_)) => Ok(BackendKind::Redis),
        (None, None, None) => Ok(BackendKind::Sqlite),
    }
}

async fn open_backend(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Backend>, OpenError> {
    match chosen_kind(settings)? {
        BackendKind::Sqlite => {
            let options = SqliteOptions {
                durability: settings.durability,
                clock,
                ..SqliteOptions::new(sqlite_file(settings)?)
            };
            Ok(upnext_sqlite::open(options).await?)
        }
        BackendKind::Postgres => Err(not_built("postgres", "UPNEXT_DATABASE_URL")),
        BackendKind::Redis => Err(not_built("redis", "UPNEXT_REDIS_URL")),
    }
}

fn not_built(kind: &str, variable: &str) -> OpenError {
    OpenError::Invalid(format!(
        "the {kind} backend is not part of this build: unset {variable} or set UPNEXT_BACKEND=sqlite"
    ))
}

/// The file that a `sqlite:` URL names: `sqlite:///abs/file.db` and `sqlite:/abs/file.db` are absolute,
/// `sqlite://rel/file.db` and `sqlite:rel/file.db` relative to the working folder.
fn sqlite_file(settings: &Settings) -> Result<PathBuf, OpenError> {
    let Some(url) = settings.database_url.as_deref().filter(|url| url.starts_with("sqlite:")) else {
        return Ok(settings.database_file());
    };
    let rest = url.trim_start_matches("sqlite:");
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path == "/" {
        return Err(OpenError::Invalid(format!("{url} names no file: write sqlite:///path/to/upnext.db")));
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Settings {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_vars(vars.chain([("HOME".to_owned(), "/home/ada".to_owned())])).unwrap().settings
    }

    #[test]
    fn sqlite_urls_name_files() {
        for (url, file) in [
            ("sqlite:///var/lib/upnext.db", "/var/lib/upnext.db"),
            ("sqlite:/var/lib/upnext.db", "/var/lib/upnext.db"),
            ("sqlite://jobs.db", "jobs.db"),
            ("sqlite:jobs.db", "jobs.db"),
        ] {
            assert_eq!(
                sqlite_file(&settings(&[("UPNEXT_DATABASE_URL", url)])).unwrap(),
                PathBuf::from(file),
                "{url}"
            );
        }
        assert!(sqlite_file(&settings(&[("UPNEXT_DATABASE_URL", "sqlite://")])).is_err());
    }

    #[test]
    fn a_server_is_worked_through_when_no_database_is_named() {
        let server = ("UPNEXT_URL", "http://host:8080");
        assert_eq!(through(&settings(&[server])), Some("http://host:8080"));
        assert_eq!(through(&settings(&[server, ("UPNEXT_REDIS_URL", "redis://h")])), None);
        assert_eq!(through(&settings(&[])), None);
        let named = with_url(settings(&[("UPNEXT_DATABASE_URL", "sqlite:a.db")]), "https://host").unwrap();
        assert_eq!(through(&named), Some("https://host"));
    }

    #[test]
    fn the_url_alone_chooses_the_backend() {
        assert_eq!(chosen_kind(&settings(&[])).unwrap(), BackendKind::Sqlite);
        assert_eq!(chosen_kind(&settings(&[("UPNEXT_REDIS_URL", "redis://h")])).unwrap(), BackendKind::Redis);
        let error = chosen_kind(&settings(&[("UPNEXT_DATABASE_URL", "mysql://h")])).unwrap_err();
        assert!(error.to_string().contains("not with 'mysql:'"), "{error}");
    }
}
