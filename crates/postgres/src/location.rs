//! Reading a `postgres:` URL: what is for the server, and what is for us.
//!
//! libpq's parameters go on to the driver. Ours are taken out first, and so are those of libpq that the driver does not know.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use upnext_core::BackendError;

/// The schema that holds everything unless the URL names another.
pub(crate) const DEFAULT_SCHEMA: &str = "upnext";

/// Connections of one process unless the URL says how many.
const DEFAULT_POOL_SIZE: usize = 16;

/// What a URL says.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) config: Config,
    pub(crate) schema: String,
    /// A pooler gives each transaction any connection: nothing may be kept on one, and nobody can listen.
    pub(crate) pooled: bool,
    pub(crate) pool_size: usize,
    pub(crate) trust: Trust,
    pub(crate) files: TlsFiles,
}

/// How far the server's certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Not at all.
    Anyone,
    /// It has to come from a known authority.
    Authority,
    /// And it has to be that of the host.
    Host,
}

/// Files with certificates, in PEM.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsFiles {
    pub(crate) root: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

fn unusable(text: impl Into<String>) -> BackendError {
    BackendError::Unusable(text.into())
}

impl Location {
    /// Reads a URL. Errors never repeat it, since it may hold a password.
    pub(crate) fn read(url: &str) -> Result<Self, BackendError> {
        let (server, query) = url.split_once('?').unwrap_or((url, ""));
        let mut location = Self {
            config: Config::new(),
            schema: DEFAULT_SCHEMA.to_owned(),
            pooled: false,
            pool_size: DEFAULT_POOL_SIZE,
            trust: Trust::Anyone,
            files: TlsFiles::default(),
        };
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !location.take(name, &decoded(value))? {
                rest.push(pair);
            }
        }
        let separator = if rest.is_empty() { "" } else { "?" };
        let url = format!("{server}{separator}{}", rest.join("&"));
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            unusable(format!("the PostgreSQL URL cannot be used: {}", crate::faults::chain(&error)))
        })?;
        if matches!(location.trust, Trust::Authority | Trust::Host) {
            config.ssl_mode(SslMode::Require);
        }
        location.config = config;
        location.fill_in();
        check_schema(&location.schema)?;
        Ok(location)
    }

    /// Takes a parameter that is ours. False when it is for the driver.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, BackendError> {
        match name {
            "schema" | "search_path" => value.clone_into(&mut self.schema),
            "options" if schema_in_options(value).is_some() => {
                self.schema = schema_in_options(value).unwrap_or_default();
            }
            "pgbouncer" => {
                self.pooled = match value {
                    "" | "true" | "1" => true,
                    "false" | "0" => false,
                    _ => {
                        return Err(unusable(format!(
                            "pgbouncer is true or false in a PostgreSQL URL, not '{value}'"
                        )));
                    }
                };
            }
            "pool_size" => {
                let size = value.parse().ok().filter(|size| (2..=1000).contains(size));
                let rule = || {
                    unusable(format!(
                        "pool_size is a number from 2 to 1000 in a PostgreSQL URL, not '{value}'"
                    ))
                };
                self.pool_size = size.ok_or_else(rule)?;
            }
            "sslmode" => match value {
                "verify-full" => self.trust = Trust::Host,
                "verify-ca" => self.trust = Trust::Authority,
                // As libpq does: a TLS connection, if there can be one.
                "allow" => {}
                _ => return Ok(false),
            },
            "sslrootcert" if value == "system" => self.trust = Trust::Host,
            "sslrootcert" => self.files.root = Some(value.into()),
            "sslcert" => self.files.certificate = Some(value.into()),
            "sslkey" => self.files.key = Some(value.into()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What the URL leaves open.
    fn fill_in(&mut self) {
        // As libpq does: who names an authority wants it to be asked.
        if self.files.root.is_some()
            && self.trust == Trust::Anyone
            && self.config.get_ssl_mode() == SslMode::Require
        {
            self.trust = Trust::Authority;
        }
        let config = &mut self.config;
        if config.get_application_name().is_none() {
            config.application_name("upnext");
        }
        // A machine that is gone says nothing: it is noticed by its silence.
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(3));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(5));
        }
        if config.get_keepalives_idle() > Duration::from_secs(600) {
            config.keepalives_idle(Duration::from_secs(5));
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(Duration::from_secs(2));
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(2);
        }
    }
}

/// The schema that a list of server options names: `-c search_path=jobs`, `-csearch_path=jobs` or `--search_path=jobs`.
fn schema_in_options(options: &str) -> Option<String> {
    let (_, path) = options.split_once("search_path=")?;
    let first = path.split([',', ' ']).next().unwrap_or_default();
    Some(first.trim_matches('"').to_owned())
}

fn check_schema(name: &str) -> Result<(), BackendError> {
    let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if begins_well && is_plain && name.len() <= 40 && !name.starts_with("pg_") {
        return Ok(());
    }
    Err(unusable(format!(
        "'{name}' cannot be the schema of UpNext: it has at most 40 small letters, digits and underscores, does not begin \
         with a digit and not with pg_; set ?schema=... in the URL"
    )))
}

/// A value of a URL without its percent signs. What is not encoded well stays as it is.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let code = others.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match (first, code.and_then(|code| u8::from_str_radix(code, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            _ => {
                bytes.push(first);
                rest = others;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Location {
        Location::read(url).unwrap()
    }

    #[test]
    fn our_parameters_do_not_reach_the_driver() {
        let plain = read("postgres://ada:secret@db.example:5433/jobs?sslmode=require&connect_timeout=9");
        assert_eq!((plain.schema.as_str(), plain.pooled, plain.pool_size), ("upnext", false, 16));
        assert_eq!(plain.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(plain.config.get_connect_timeout(), Some(&Duration::from_secs(9)));
        let full = read("postgresql://h/jobs?schema=team_a&pgbouncer=true&pool_size=4&application_name=x");
        assert_eq!((full.schema.as_str(), full.pooled, full.pool_size), ("team_a", true, 4));
        assert_eq!(full.config.get_application_name(), Some("x"));
        let multi = read("postgres://a,b:5433/jobs?target_session_attrs=read-write");
        assert_eq!(multi.config.get_hosts().len(), 2);
    }

    #[test]
    fn the_search_path_names_the_schema() {
        for url in [
            "postgres://h/d?options=-c%20search_path%3Dteam_a",
            "postgres://h/d?options=-csearch_path=team_a,public",
            "postgres://h/d?search_path=team_a",
        ] {
            assert_eq!(read(url).schema, "team_a", "{url}");
        }
    }

    #[test]
    fn certificates_are_looked_at_as_libpq_does() {
        for (query, trust, mode) in [
            ("", Trust::Anyone, SslMode::Prefer),
            ("?sslmode=disable", Trust::Anyone, SslMode::Disable),
            ("?sslmode=allow", Trust::Anyone, SslMode::Prefer),
            ("?sslmode=require", Trust::Anyone, SslMode::Require),
            ("?sslmode=require&sslrootcert=/ca.pem", Trust::Authority, SslMode::Require),
            ("?sslmode=verify-ca&sslrootcert=/ca.pem", Trust::Authority, SslMode::Require),
            ("?sslmode=verify-full", Trust::Host, SslMode::Require),
        ] {
            let location = read(&format!("postgres://h/d{query}"));
            assert_eq!((location.trust, location.config.get_ssl_mode()), (trust, mode), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why_and_keeps_secrets() {
        for (url, word) in [
            ("postgres://ada:secret@h/d?schema=Bad-Name", "cannot be the schema"),
            ("postgres://ada:secret@h/d?schema=pg_jobs", "cannot be the schema"),
            ("postgres://ada:secret@h/d?pool_size=0", "pool_size is a number"),
            ("postgres://ada:secret@h/d?pgbouncer=perhaps", "pgbouncer is true or false"),
            ("postgres://ada:secret@h/d?colour=red", "cannot be used"),
            ("postgres://ada:secret@h:port/d", "cannot be used"),
        ] {
            let error = Location::read(url).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
