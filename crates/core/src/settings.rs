//! Every `UPNEXT_*` environment variable in one list: its name, what it does, its default, and how it is read.
//!
//! [`SETTINGS`] is the single source: parsing, the message for an unknown name and the reference page come from it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::shown_settings::without_password;
pub use crate::storage_settings::{
    AddressingStyle, BucketSettings, S3Settings, ServiceSettings, StorageSettings,
};
use crate::storage_settings::{STORAGE_URL_RULE, parse_storage_url};

/// The prefix of every setting.
pub const PREFIX: &str = "UPNEXT_";

/// What is written down about one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingInfo {
    /// Its name without the prefix.
    pub name: &'static str,
    /// What holds when it is not set, as text; empty means "not set".
    pub default: &'static str,
    /// What it does, in one or two sentences.
    pub description: &'static str,
    /// False for names that belong to the contract but have no effect in this version yet.
    pub effective: bool,
}

const fn setting(name: &'static str, default: &'static str, description: &'static str) -> SettingInfo {
    SettingInfo { name, default, description, effective: true }
}

const fn later(name: &'static str, description: &'static str) -> SettingInfo {
    SettingInfo { name, default: "", description, effective: false }
}

/// Every setting, in the order of the reference page.
pub const SETTINGS: &[SettingInfo] = &[
    setting("HOME", "~/.upnext", "Data folder: the SQLite file and, unless told otherwise, the artifacts."),
    setting("BACKEND", "", "sqlite, postgres or redis. Without it the URL that is set decides, else sqlite."),
    setting(
        "DATABASE_URL",
        "",
        "sqlite:///path/to/file.db or postgres://... Without it sqlite at $UPNEXT_HOME/upnext.db.",
    ),
    setting(
        "REDIS_URL",
        "",
        "redis://... for the redis backend: also rediss:// (TLS), valkey://, redis+sentinel://host,host/name and \
         redis+cluster://host,host.",
    ),
    setting(
        "WORKSPACE_ID",
        "local",
        "Name of the workspace: deployments with different ones share a Redis server without seeing each other.",
    ),
    setting(
        "URL",
        "",
        "http://host:8080 of a server: workers and clients that reach no database work through it, with the key in UPNEXT_API_KEY. A database URL wins over it.",
    ),
    setting(
        "DURABILITY",
        "full",
        "full: what was acknowledged survives power loss. relaxed: it survives a crash of the process only (SQLite synchronous=NORMAL).",
    ),
    setting("HOST", "127.0.0.1", "Address the server listens on."),
    setting("PORT", "8080", "Port the server listens on; 0 takes a free one."),
    setting(
        "ROOT_PATH",
        "",
        "Path under which a proxy shows the server, such as /upnext: for links, redirects, cookies and the dashboard. The proxy \
         may take it off or leave it on.",
    ),
    setting("AUTH_ENABLED", "false", "true: every call under /api/v1 needs the key in UPNEXT_API_KEY."),
    setting("API_KEY", "", "The key for `Authorization: Bearer <key>` or `X-API-Key: <key>`. Never printed."),
    setting(
        "ALLOW_PUBLIC_WITHOUT_AUTH",
        "false",
        "true: the server may listen on a public address although UPNEXT_AUTH_ENABLED is false.",
    ),
    setting(
        "CORS_ALLOW_ORIGINS",
        "",
        "Comma-separated origins that browsers may call the API from. Empty: the server's own only.",
    ),
    setting("LOG_FORMAT", "text", "text or json."),
    setting("DEBUG", "false", "true: log lines of level debug too."),
    setting("ARTIFACT_MAX_UPLOAD_BYTES", "268435456", "Largest artifact in bytes."),
    setting(
        "ARTIFACT_INLINE_MAX_BYTES",
        "32768",
        "Artifacts up to this size live in the job database itself, in the same transaction as their record.",
    ),
    setting(
        "ARTIFACT_STORAGE_URL",
        "",
        "Where larger artifacts are stored, in one address: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, \
         abfss://container@account.dfs.core.windows.net/prefix or file:///folder. Wins over the backend, folder, bucket and \
         prefix below. See docs/storage.md.",
    ),
    setting("ARTIFACT_STORAGE_BACKEND", "local", "local or s3: where larger artifacts are stored."),
    setting(
        "ARTIFACT_STORAGE_LOCAL_ROOT",
        "",
        "Folder of the local storage. Without it $UPNEXT_HOME/artifacts.",
    ),
    setting(
        "ARTIFACT_STORAGE_S3_BUCKET",
        "",
        "Bucket of the S3 storage; required for s3. Credentials come from where AWS tools look for them: AWS_* variables, \
         the files in ~/.aws with AWS_PROFILE, a web identity, the machine's role.",
    ),
    setting("ARTIFACT_STORAGE_S3_PREFIX", "upnext/artifacts", "Prefix of every key in the bucket."),
    setting(
        "ARTIFACT_STORAGE_S3_REGION",
        "",
        "Region of the bucket. Without it AWS_REGION or the profile's, else us-east-1.",
    ),
    setting(
        "ARTIFACT_STORAGE_S3_ENDPOINT_URL",
        "",
        "Address of an S3-compatible service; http:// is accepted for this one.",
    ),
    setting(
        "ARTIFACT_STORAGE_S3_ADDRESSING_STYLE",
        "auto",
        "Where the bucket's name stands: path (https://service/bucket), virtual (https://bucket.service), or auto: virtual for \
         AWS, path for a service with an address of its own.",
    ),
    setting(
        "ARTIFACT_ORIGIN",
        "",
        "A second origin under which browsers reach this server, such as https://artifacts.example.com. Artifact content is \
         then shown from there, where nothing else is.",
    ),
    setting(
        "CLEANUP_RETENTION_HOURS",
        "168",
        "Finished jobs are removed, with their artifacts, this long after they ended; 0 keeps them for ever. Pinned \
         artifacts stay, and so do their jobs. With the redis backend 6, unless it is set.",
    ),
    setting(
        "CLEANUP_INTERVAL_HOURS",
        "1",
        "How often a server removes what is too old, and the bytes that nothing needs.",
    ),
    setting(
        "WEBHOOK_URLS",
        "",
        "Comma-separated addresses that events are posted to, signed as https://www.standardwebhooks.com says. Never printed.",
    ),
    setting(
        "WEBHOOK_SECRET",
        "",
        "What webhooks are signed with: whsec_ followed by base64 of 24 to 64 random bytes. Never printed.",
    ),
    setting(
        "WEBHOOK_EVENTS",
        "artifact.*",
        "Comma-separated names of the events that are posted, such as artifact.created or job.*.",
    ),
    setting("QUEUE_BATCH_SIZE", "256", "Most jobs that one claim takes."),
    setting(
        "QUEUE_INBOX_SIZE",
        "256",
        "Most jobs that a worker holds claimed but not yet running. Used only as far as jobs are short.",
    ),
    setting("QUEUE_OUTBOX_SIZE", "1024", "Most outcomes that one finish sends."),
    setting(
        "QUEUE_CLAIM_TIMEOUT_MS",
        "30000",
        "How long a lease lasts without renewal, in milliseconds. A job whose worker died runs again within twice this time.",
    ),
    setting(
        "QUEUE_JOB_TTL_SECONDS",
        "",
        "Redis only: finished jobs are removed this long after they ended, if that is sooner than \
         UPNEXT_CLEANUP_RETENTION_HOURS says.",
    ),
    setting("PROGRESS_MIN_DELTA", "0.01", "Smallest step of progress that is sent."),
    setting(
        "PROGRESS_MIN_INTERVAL_SECONDS",
        "0.2",
        "Shortest time between two sent steps of progress, in seconds.",
    ),
    later("ENV", "Name of the environment."),
    later(
        "QUEUE_FLUSH_INTERVAL_MS",
        "How long outcomes are collected before they are sent. Outcomes are sent at once.",
    ),
    later("ALERT_WEBHOOK_URL", "Address that alerts are posted to."),
    later("ALERT_COOLDOWN_SECONDS", "Shortest time between two alerts."),
];

/// A setting whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{PREFIX}{name}={shown}: {rule}")]
pub struct SettingError {
    /// Its name without the prefix.
    pub name: &'static str,
    /// The value; secrets are replaced by `***`.
    pub shown: String,
    /// What it has to be.
    pub rule: String,
}

/// Which engine keeps the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendKind {
    /// The embedded default.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// Redis or Valkey.
    Redis,
}

/// What an acknowledgement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It survives power loss.
    Full,
    /// It survives a crash of the process.
    Relaxed,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The key that webhooks are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// A text that is no key for webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be whsec_ followed by base64 of 24 to 64 random bytes, as `echo whsec_$(openssl rand -base64 32)` prints it"
)]
pub struct BadWebhookSecret;

impl FromStr for WebhookSecret {
    type Err = BadWebhookSecret;

    fn from_str(text: &str) -> Result<Self, BadWebhookSecret> {
        let encoded = text.strip_prefix("whsec_").ok_or(BadWebhookSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| BadWebhookSecret)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadWebhookSecret) }
    }
}

/// Every setting with its value.
#[derive(Clone)]
#[allow(
    missing_docs,
    reason = "each field is the setting of the same name in SETTINGS, where it is described"
)]
pub struct Settings {
    pub home: PathBuf,
    pub backend: Option<BackendKind>,
    pub database_url: Option<String>,
    pub redis_url: Option<String>,
    pub workspace_id: String,
    pub url: Option<String>,
    pub durability: Durability,
    pub host: String,
    pub port: u16,
    /// Empty, or with a slash at its beginning and none at its end.
    pub root_path: String,
    pub auth_enabled: bool,
    pub api_key: Option<String>,
    pub allow_public_without_auth: bool,
    pub cors_allow_origins: Vec<String>,
    pub log_format: LogFormat,
    pub debug: bool,
    pub artifact_max_upload_bytes: u64,
    pub artifact_inline_max_bytes: u64,
    pub artifact_storage: StorageSettings,
    pub artifact_origin: Option<String>,
    pub cleanup_retention: Option<Duration>,
    pub cleanup_interval: Duration,
    pub webhook_urls: Vec<String>,
    pub webhook_secret: Option<WebhookSecret>,
    pub webhook_events: Vec<String>,
    pub queue_batch_size: usize,
    pub queue_inbox_size: usize,
    pub queue_outbox_size: usize,
    pub queue_claim_timeout: Duration,
    pub queue_job_ttl: Option<Duration>,
    pub progress_min_delta: f64,
    pub progress_min_interval: Duration,
    /// What was given, by name without the prefix, as it was written. Holds secrets.
    pub given: BTreeMap<&'static str, String>,
}

impl fmt::Debug for Settings {
    /// Leaves out everything that may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("home", &self.home)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// The outcome of reading the environment: the settings, and what a person should be told about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub settings: Settings,
    /// Sentences about names that are unknown or have no effect.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names every variable with a value that cannot be used, and its rule.
    pub fn from_env() -> Result<Loaded, SettingsErrors> {
        Self::from_vars(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }))
    }

    /// Reads variables from any source. Names without the prefix are passed over, except `HOME` for `~`.
    ///
    /// # Errors
    /// Names every variable with a value that cannot be used, and its rule.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Loaded, SettingsErrors> {
        let vars: BTreeMap<String, String> = vars.into_iter().collect();
        let user_home = vars.get("HOME").or_else(|| vars.get("USERPROFILE")).map(PathBuf::from);
        let mut reader = Reader { vars: &vars, user_home, errors: Vec::new() };
        let settings = reader.settings();
        if !reader.errors.is_empty() {
            return Err(SettingsErrors(reader.errors));
        }
        Ok(Loaded { settings, warnings: warnings(&vars) })
    }

    /// The SQLite file that is used when no URL names another.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        self.home.join("upnext.db")
    }
}

/// Every setting that cannot be used, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsErrors(pub Vec<SettingError>);

impl std::error::Error for SettingsErrors {}

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

/// The reference page of all settings, as Markdown. `docs/reference/settings.md` is this text.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Every setting is an environment variable. An unknown `UPNEXT_*` name is warned about at start-up, a bad value refused.\n\
         `upnext settings` prints the values in effect.\n\n\
         | variable | default | what it does |\n| --- | --- | --- |\n",
    );
    for info in SETTINGS.iter().filter(|info| info.effective) {
        let default = if info.default.is_empty() { String::new() } else { format!("`{}`", info.default) };
        page.push_str(&format!("| `{PREFIX}{}` | {default} | {} |\n", info.name, info.description));
    }
    page.push_str("\nThese names are reserved and have no effect in this version: ");
    let reserved: Vec<String> = SETTINGS
        .iter()
        .filter(|info| !info.effective)
        .map(|info| format!("`{PREFIX}{}`", info.name))
        .collect();
    page.push_str(&reserved.join(", "));
    page.push_str(".\n");
    page
}

fn warnings(vars: &BTreeMap<String, String>) -> Vec<String> {
    let mut warnings = Vec::new();
    for name in vars.keys().filter_map(|name| name.strip_prefix(PREFIX)) {
        match SETTINGS.iter().find(|info| info.name == name) {
            Some(info) if info.effective => {}
            Some(_) => warnings.push(format!("{PREFIX}{name} has no effect in this version")),
            None => {
                let nearest = SETTINGS
                    .iter()
                    .map(|info| (strsim::damerau_levenshtein(info.name, name), info.name))
                    .min()
                    .filter(|(distance, _)| *distance <= 3)
                    .map_or_else(String::new, |(_, near)| format!("; did you mean {PREFIX}{near}?"));
                warnings
                    .push(format!("{PREFIX}{name} is not a setting of UpNext and has no effect{nearest}"));
            }
        }
    }
    warnings
}

/// Reads one variable after the other and collects what is wrong with them.
struct Reader<'a> {
    vars: &'a BTreeMap<String, String>,
    user_home: Option<PathBuf>,
    errors: Vec<SettingError>,
}

impl Reader<'_> {
    fn settings(&mut self) -> Settings {
        let home = self.path("HOME");
        let durability =
            self.word("DURABILITY", &[("full", Durability::Full), ("relaxed", Durability::Relaxed)]);
        let backends = [
            ("sqlite", BackendKind::Sqlite),
            ("postgres", BackendKind::Postgres),
            ("redis", BackendKind::Redis),
        ];
        Settings {
            backend: self.text("BACKEND").map(|_| self.word("BACKEND", &backends)),
            database_url: self.text("DATABASE_URL"),
            redis_url: self.text("REDIS_URL"),
            workspace_id: self.text("WORKSPACE_ID").unwrap_or_default(),
            url: self.text("URL"),
            durability,
            host: self.text("HOST").unwrap_or_default(),
            port: self.number("PORT", 0..=65535),
            root_path: self.root_path(),
            auth_enabled: self.flag("AUTH_ENABLED"),
            api_key: self.text("API_KEY"),
            allow_public_without_auth: self.flag("ALLOW_PUBLIC_WITHOUT_AUTH"),
            cors_allow_origins: self.list("CORS_ALLOW_ORIGINS"),
            log_format: self.word("LOG_FORMAT", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
            debug: self.flag("DEBUG"),
            artifact_max_upload_bytes: self.number("ARTIFACT_MAX_UPLOAD_BYTES", 1..=u64::MAX / 2),
            artifact_inline_max_bytes: self.number("ARTIFACT_INLINE_MAX_BYTES", 0..=16 * 1024 * 1024),
            artifact_storage: self.storage(&home),
            artifact_origin: self.text("ARTIFACT_ORIGIN"),
            cleanup_retention: Some(self.hours("CLEANUP_RETENTION_HOURS", 0.0..=1_000_000.0))
                .filter(|retention| !retention.is_zero()),
            cleanup_interval: self.hours("CLEANUP_INTERVAL_HOURS", 0.01..=1000.0),
            webhook_urls: self.list("WEBHOOK_URLS"),
            webhook_secret: self.secret("WEBHOOK_SECRET"),
            webhook_events: self.list("WEBHOOK_EVENTS"),
            queue_batch_size: self.number("QUEUE_BATCH_SIZE", 1..=10_000),
            queue_inbox_size: self.number("QUEUE_INBOX_SIZE", 0..=100_000),
            queue_outbox_size: self.number("QUEUE_OUTBOX_SIZE", 1..=100_000),
            queue_claim_timeout: Duration::from_millis(
                self.number("QUEUE_CLAIM_TIMEOUT_MS", 100..=86_400_000),
            ),
            queue_job_ttl: self
                .text("QUEUE_JOB_TTL_SECONDS")
                .map(|_| Duration::from_secs(self.number("QUEUE_JOB_TTL_SECONDS", 1..=3_600_000_000))),
            progress_min_delta: self.number("PROGRESS_MIN_DELTA", 0.0..=1.0),
            progress_min_interval: Duration::from_secs_f64(
                self.number("PROGRESS_MIN_INTERVAL_SECONDS", 0.0..=3600.0),
            ),
            given: self.given(),
            home,
        }
    }

    fn given(&self) -> BTreeMap<&'static str, String> {
        let of = |info: &SettingInfo| {
            let text = self.vars.get(&format!("{PREFIX}{}", info.name))?.trim();
            (!text.is_empty()).then(|| (info.name, text.to_owned()))
        };
        SETTINGS.iter().filter_map(of).collect()
    }

    fn storage(&mut self, home: &Path) -> StorageSettings {
        let is_s3 = self.word("ARTIFACT_STORAGE_BACKEND", &[("local", false), ("s3", true)]);
        let s3 = self.s3();
        let local = |root: Option<PathBuf>| StorageSettings::Local {
            root: root.unwrap_or_else(|| home.join("artifacts")),
        };
        if let Some(url) = self.text("ARTIFACT_STORAGE_URL") {
            return parse_storage_url(&url, s3).unwrap_or_else(|| {
                self.fail("ARTIFACT_STORAGE_URL", &without_password(&url), STORAGE_URL_RULE);
                local(None)
            });
        }
        if !is_s3 {
            return local(self.text("ARTIFACT_STORAGE_LOCAL_ROOT").map(|text| self.expand(&text)));
        }
        let name = self.text("ARTIFACT_STORAGE_S3_BUCKET").unwrap_or_else(|| {
            self.fail("ARTIFACT_STORAGE_S3_BUCKET", "", "must name a bucket when the storage backend is s3");
            String::new()
        });
        let prefix = self.text("ARTIFACT_STORAGE_S3_PREFIX").unwrap_or_default();
        StorageSettings::Bucket(BucketSettings {
            service: ServiceSettings::S3(s3),
            name,
            prefix: prefix.trim_matches('/').to_owned(),
        })
    }

    fn s3(&mut self) -> S3Settings {
        let endpoint_url = self.text("ARTIFACT_STORAGE_S3_ENDPOINT_URL");
        if let Some(url) = &endpoint_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            let rule = "must begin with https:// or http://";
            self.fail("ARTIFACT_STORAGE_S3_ENDPOINT_URL", &without_password(url), rule);
        }
        let styles = [
            ("auto", AddressingStyle::Auto),
            ("path", AddressingStyle::Path),
            ("virtual", AddressingStyle::Virtual),
        ];
        S3Settings {
            region: self.text("ARTIFACT_STORAGE_S3_REGION"),
            endpoint_url,
            addressing: self.word("ARTIFACT_STORAGE_S3_ADDRESSING_STYLE", &styles),
        }
    }

    /// The value as it was set, or the default; `None` when both are empty.
    fn text(&self, name: &'static str) -> Option<String> {
        let info = SETTINGS.iter().find(|info| info.name == name).expect("only listed settings are read");
        let set = self
            .vars
            .get(&format!("{PREFIX}{name}"))
            .map(|value| value.trim())
            .filter(|value| !value.is_empty());
        set.or((!info.default.is_empty()).then_some(info.default)).map(str::to_owned)
    }

    fn fail(&mut self, name: &'static str, shown: &str, rule: impl Into<String>) {
        self.errors.push(SettingError { name, shown: shown.to_owned(), rule: rule.into() });
    }

    fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> T {
        let text = self.text(name).unwrap_or_default().to_ascii_lowercase();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.fail(name, &text, format!("must be one of {}", allowed.join(", ")));
        words[0].1
    }

    fn flag(&mut self, name: &'static str) -> bool {
        self.word(
            name,
            &[
                ("false", false),
                ("true", true),
                ("0", false),
                ("1", true),
                ("no", false),
                ("yes", true),
                ("off", false),
                ("on", true),
            ],
        )
    }

    fn number<T>(&mut self, name: &'static str, range: std::ops::RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        let text = self.text(name).unwrap_or_default();
        match text.parse::<T>() {
            Ok(value) if range.contains(&value) => value,
            _ => {
                let rule = format!("must be a number between {} and {}", range.start(), range.end());
                self.fail(name, &text, rule);
                *range.start()
            }
        }
    }

    fn root_path(&mut self) -> String {
        let text = self.text("ROOT_PATH").unwrap_or_default();
        let path = text.trim_matches('/');
        if path.is_empty() {
            return String::new();
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let is_name = |part: &str| !part.is_empty() && part.chars().all(plain) && !matches!(part, "." | "..");
        // The API's own first segment would be taken off its calls.
        if !path.split('/').all(is_name) || path.split('/').next() == Some("api") {
            self.fail(
                "ROOT_PATH",
                &text,
                "must be a path of letters, digits and -._~ such as /upnext, and not begin with /api",
            );
        }
        format!("/{path}")
    }

    fn hours(&mut self, name: &'static str, range: std::ops::RangeInclusive<f64>) -> Duration {
        Duration::from_secs_f64(self.number(name, range) * 3600.0)
    }

    fn secret(&mut self, name: &'static str) -> Option<WebhookSecret> {
        let secret = self.text(name)?.parse();
        secret.map_err(|rule: BadWebhookSecret| self.fail(name, "***", rule.to_string())).ok()
    }

    fn list(&self, name: &'static str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn path(&mut self, name: &'static str) -> PathBuf {
        let text = self.text(name).unwrap_or_default();
        if text.starts_with('~') && self.user_home.is_none() {
            self.fail(name, &text, "cannot be resolved because HOME is not set; set an absolute path");
        }
        self.expand(&text)
    }

    /// Replaces a leading `~` by the user's home folder.
    fn expand(&self, text: &str) -> PathBuf {
        match (&self.user_home, text.strip_prefix('~')) {
            (Some(home), Some(rest)) if rest.is_empty() || rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => PathBuf::from(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(vars: &[(&str, &str)]) -> Result<Loaded, SettingsErrors> {
        let with_home = [("HOME", "/home/ada")].iter().chain(vars);
        Settings::from_vars(with_home.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn a_root_path_is_a_path() {
        let root = |text: &str| load(&[("UPNEXT_ROOT_PATH", text)]).map(|loaded| loaded.settings.root_path);
        for (text, path) in [("", ""), ("/", ""), ("upnext", "/upnext"), ("/a-b/c_1/", "/a-b/c_1")] {
            assert_eq!(root(text).as_deref(), Ok(path), "{text}");
        }
        for bad in ["/a b", "/a//b", "/../x", "/a?b", "https://ops.example/upnext", "/api", "/api/v1", "/\"x"]
        {
            let error = root(bad).unwrap_err().to_string();
            assert!(error.contains(&format!("UPNEXT_ROOT_PATH={bad}: must be a path")), "{error}");
        }
    }

    #[test]
    fn the_reference_page_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/settings.md");
        if std::env::var_os("UPDATE_SETTINGS").is_some() {
            std::fs::write(&file, reference()).unwrap();
        }
        let page = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            page == reference(),
            "docs/reference/settings.md is stale: run UPDATE_SETTINGS=1 cargo test -p upnext-core reference"
        );
    }

    #[test]
    fn nothing_set_means_the_defaults() {
        let loaded = load(&[]).unwrap();
        assert_eq!(loaded.settings.home, PathBuf::from("/home/ada/.upnext"));
        assert_eq!(
            loaded.settings.artifact_storage,
            StorageSettings::Local { root: PathBuf::from("/home/ada/.upnext/artifacts") }
        );
        assert_eq!(loaded.settings.host, "127.0.0.1");
        assert_eq!(loaded.settings.queue_claim_timeout, Duration::from_secs(30));
        assert_eq!(loaded.warnings, Vec::<String>::new());
    }

    #[test]
    fn the_home_folder_moves_database_and_artifacts() {
        let settings = load(&[("UPNEXT_HOME", "/data")]).unwrap().settings;
        assert_eq!(settings.database_file(), PathBuf::from("/data/upnext.db"));
        assert_eq!(
            settings.artifact_storage,
            StorageSettings::Local { root: PathBuf::from("/data/artifacts") }
        );
    }

    #[test]
    fn bad_values_are_all_named_with_their_rule() {
        let error = load(&[("UPNEXT_PORT", "http"), ("UPNEXT_LOG_FORMAT", "xml")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "UPNEXT_PORT=http: must be a number between 0 and 65535\nUPNEXT_LOG_FORMAT=xml: must be one of text, json"
        );
    }

    #[test]
    fn s3_needs_a_bucket() {
        let error = load(&[("UPNEXT_ARTIFACT_STORAGE_BACKEND", "s3")]).unwrap_err();
        assert_eq!(error.0[0].name, "ARTIFACT_STORAGE_S3_BUCKET");
    }

    #[test]
    fn one_address_names_the_storage_and_wins() {
        let vars = [
            ("UPNEXT_ARTIFACT_STORAGE_URL", "s3://b/p"),
            ("UPNEXT_ARTIFACT_STORAGE_S3_BUCKET", "other"),
            ("UPNEXT_ARTIFACT_STORAGE_S3_ENDPOINT_URL", "http://h:9000"),
            ("UPNEXT_ARTIFACT_STORAGE_S3_ADDRESSING_STYLE", "virtual"),
        ];
        let s3 = S3Settings {
            region: None,
            endpoint_url: Some("http://h:9000".to_owned()),
            addressing: AddressingStyle::Virtual,
        };
        let bucket =
            BucketSettings { service: ServiceSettings::S3(s3), name: "b".to_owned(), prefix: "p".to_owned() };
        assert_eq!(load(&vars).unwrap().settings.artifact_storage, StorageSettings::Bucket(bucket));
        let error = load(&[("UPNEXT_ARTIFACT_STORAGE_URL", "s3://key:hunter2@b/p")]).unwrap_err().to_string();
        assert!(error.contains("without credentials") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn unknown_names_get_a_hint() {
        let loaded = load(&[("UPNEXT_ARTEFACT_MAX_UPLOAD_BYTES", "1"), ("UPNEXT_ENV", "prod")]).unwrap();
        assert_eq!(
            loaded.warnings,
            [
                "UPNEXT_ARTEFACT_MAX_UPLOAD_BYTES is not a setting of UpNext and has no effect; \
                 did you mean UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES?",
                "UPNEXT_ENV has no effect in this version",
            ]
        );
    }

    #[test]
    fn what_is_finished_is_kept_for_a_week_or_for_ever() {
        let settings = load(&[]).unwrap().settings;
        assert_eq!(settings.cleanup_retention, Some(Duration::from_secs(7 * 24 * 3600)));
        assert_eq!(settings.cleanup_interval, Duration::from_secs(3600));
        let settings = load(&[("UPNEXT_CLEANUP_RETENTION_HOURS", "0")]).unwrap().settings;
        assert_eq!(settings.cleanup_retention, None);
        let settings = load(&[("UPNEXT_CLEANUP_RETENTION_HOURS", "0.5")]).unwrap().settings;
        assert_eq!(settings.cleanup_retention, Some(Duration::from_secs(1800)));
        assert!(load(&[("UPNEXT_CLEANUP_INTERVAL_HOURS", "0")]).is_err());
    }

    #[test]
    fn a_webhook_secret_is_long_enough_and_never_shown() {
        let secret = |text: &str| load(&[("UPNEXT_WEBHOOK_SECRET", text)]);
        let good = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap().settings;
        assert_eq!(good.webhook_secret.unwrap().as_bytes().len(), 24);
        for bad in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8G", "whsec_!"] {
            let sentence = secret(bad).unwrap_err().to_string();
            assert!(sentence.contains("24 to 64") && !sentence.contains("MfKQ"), "{sentence}");
        }
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let settings = load(&[("UPNEXT_API_KEY", "hunter2")]).unwrap().settings;
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
