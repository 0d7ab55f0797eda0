//! The composition root: settings become a [`Deployment`], the pair of a job backend and an artifact storage.
//!
//! The only crate that names concrete backends; everything else holds `Arc<dyn Backend>`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use upnext_artifacts::ArtifactService;
use upnext_blobs::{BlobError, BlobStore};
use upnext_core::settings::BackendKind;
use upnext_core::{Backend, BackendError, Client, Clock, Settings, SystemClock, Timestamp};
use upnext_postgres::PostgresOptions;
use upnext_redis::RedisOptions;
use upnext_sqlite::SqliteOptions;
pub use upnext_sqlite::fork;

/// How long finished jobs are kept in Redis, where they take memory, unless a setting says otherwise.
const REDIS_RETENTION: Duration = Duration::from_secs(6 * 3600);

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
        match through(&self.settings) {
            Some(url) => format!("{url} ({})", self.artifacts.blobs().storage()),
            None => self.settings.artifact_storage.to_string(),
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
pub async fn open_with_clock(mut settings: Settings, clock: Arc<dyn Clock>) -> Result<Deployment, OpenError> {
    settings.cleanup_retention = retention(&settings)?;
    let (backend, blobs) = match through(&settings) {
        // Who has no database of its own has no storage either: both are the server's.
        Some(url) => upnext_remote::open(url, settings.api_key.as_deref()).await.map_err(unusable_server)?,
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
        scheme if is_redis(scheme) => Ok(BackendKind::Redis),
        scheme => Err(OpenError::Invalid(format!(
            "a database URL begins with sqlite:, postgres: or redis: (a server's with http:), not with '{scheme}:'"
        ))),
    }
}

/// True of `redis`, `rediss`, `valkey`, `valkeys`, and these with `+sentinel` or `+cluster`.
fn is_redis(scheme: &str) -> bool {
    let transport = scheme.split_once('+').map_or(scheme, |(transport, _)| transport);
    matches!(transport, "redis" | "rediss" | "valkey" | "valkeys")
}

/// How long finished jobs are kept: in Redis not so long as on a disk.
fn retention(settings: &Settings) -> Result<Option<Duration>, OpenError> {
    if through(settings).is_some() || chosen_kind(settings)? != BackendKind::Redis {
        return Ok(settings.cleanup_retention);
    }
    let is_given = settings.given.contains_key("CLEANUP_RETENTION_HOURS");
    let retention = if is_given { settings.cleanup_retention } else { Some(REDIS_RETENTION) };
    Ok([retention, settings.queue_job_ttl].into_iter().flatten().min())
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
        BackendKind::Postgres => {
            Ok(upnext_postgres::open(postgres_options(settings)?).await.map_err(unusable_server)?)
        }
        BackendKind::Redis => {
            let options = RedisOptions {
                workspace: settings.workspace_id.clone(),
                durability: settings.durability,
                ..RedisOptions::new(redis_url(settings)?)
            };
            Ok(upnext_redis::open(options).await.map_err(unusable_server)?)
        }
    }
}

/// What a server does not let us use, its address or a setting has to say otherwise.
fn unusable_server(error: BackendError) -> OpenError {
    match error {
        BackendError::Unusable(sentence) => OpenError::Invalid(sentence),
        error => error.into(),
    }
}

fn postgres_options(settings: &Settings) -> Result<PostgresOptions, OpenError> {
    let url = settings.database_url.as_deref().filter(|url| kind_of(url).ok() == Some(BackendKind::Postgres));
    let url = url.ok_or_else(|| {
        OpenError::Invalid(
            "the postgres backend needs a URL: set UPNEXT_DATABASE_URL=postgres://user:password@host/database".to_owned(),
        )
    })?;
    // The server's own clock, which all processes share.
    Ok(PostgresOptions { durability: settings.durability, ..PostgresOptions::new(url) })
}

/// A step of a database's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStep {
    /// Its number, 1 for the first.
    pub version: u32,
    /// A word about it.
    pub name: String,
    /// When it was taken; `None` when it is still to be taken.
    pub applied_at: Option<Timestamp>,
}

/// The steps of the schema of the database that these settings name, oldest first; `None` where the database does not keep
/// them one by one. Changes nothing. Must be called inside a tokio runtime.
///
/// # Errors
/// As [`open`].
pub async fn schema_steps(settings: &Settings) -> Result<Option<Vec<SchemaStep>>, OpenError> {
    if chosen_kind(settings)? != BackendKind::Postgres {
        return Ok(None);
    }
    let steps = upnext_postgres::history(&postgres_options(settings)?).await?;
    let step = |step: upnext_postgres::Migration| SchemaStep {
        version: u32::try_from(step.version).unwrap_or(0),
        name: step.name,
        applied_at: step.applied_at,
    };
    Ok(Some(steps.into_iter().map(step).collect()))
}

/// The URL of the Redis server, whichever setting names it.
fn redis_url(settings: &Settings) -> Result<&str, OpenError> {
    let named = settings.redis_url.as_deref().or_else(|| {
        let is_redis_url = |url: &&str| url.split_once(':').is_some_and(|(scheme, _)| is_redis(scheme));
        settings.database_url.as_deref().filter(is_redis_url)
    });
    named.ok_or_else(|| {
        OpenError::Invalid("UPNEXT_BACKEND=redis needs the server's address in UPNEXT_REDIS_URL".to_owned())
    })
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
    fn postgres_needs_a_url_of_its_own() {
        let url = "postgres://ada:secret@h/d";
        assert_eq!(postgres_options(&settings(&[("UPNEXT_DATABASE_URL", url)])).unwrap().url, url);
        for vars in [
            &[("UPNEXT_BACKEND", "postgres")][..],
            &[("UPNEXT_BACKEND", "postgres"), ("UPNEXT_DATABASE_URL", "sqlite:x")],
        ] {
            let error = postgres_options(&settings(vars)).unwrap_err().to_string();
            assert!(error.contains("UPNEXT_DATABASE_URL=postgres://"), "{error}");
        }
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
    fn redis_keeps_finished_jobs_for_hours_unless_told_otherwise() {
        let redis = ("UPNEXT_REDIS_URL", "redis+cluster://h");
        let hours = |vars: &[(&str, &str)]| {
            retention(&settings(vars)).unwrap().map(|time| time.as_secs_f64() / 3600.0)
        };
        assert_eq!(hours(&[]), Some(168.0));
        assert_eq!(hours(&[redis]), Some(6.0));
        assert_eq!(hours(&[redis, ("UPNEXT_CLEANUP_RETENTION_HOURS", "48")]), Some(48.0));
        assert_eq!(hours(&[redis, ("UPNEXT_CLEANUP_RETENTION_HOURS", "0")]), None);
        assert_eq!(hours(&[redis, ("UPNEXT_QUEUE_JOB_TTL_SECONDS", "3600")]), Some(1.0));
        assert_eq!(
            hours(&[("UPNEXT_QUEUE_JOB_TTL_SECONDS", "3600")]),
            Some(168.0),
            "sqlite keeps its own rule"
        );
    }

    #[test]
    fn redis_needs_an_address() {
        assert!(
            redis_url(&settings(&[("UPNEXT_BACKEND", "redis")]))
                .unwrap_err()
                .to_string()
                .contains("REDIS_URL")
        );
        assert_eq!(redis_url(&settings(&[("UPNEXT_DATABASE_URL", "valkey://h")])).unwrap(), "valkey://h");
    }

    #[test]
    fn the_url_alone_chooses_the_backend() {
        assert_eq!(chosen_kind(&settings(&[])).unwrap(), BackendKind::Sqlite);
        assert_eq!(chosen_kind(&settings(&[("UPNEXT_REDIS_URL", "redis://h")])).unwrap(), BackendKind::Redis);
        let error = chosen_kind(&settings(&[("UPNEXT_DATABASE_URL", "mysql://h")])).unwrap_err();
        assert!(error.to_string().contains("not with 'mysql:'"), "{error}");
    }
}
