//! What a URL says about where the server is: one server, a group watched by Sentinels, or a cluster.
//!
//! ```text
//! redis://user:password@host:6379/0                          one server; valkey:// is the same
//! rediss://host:6379?ca=/etc/ssl/own-ca.pem                  with TLS; valkeys:// is the same
//! redis+sentinel://user:password@s1:26379,s2:26379/main/0    the primary that Sentinels call "main"
//! redis+cluster://n1:7000,n2:7000                            a cluster, known by some of its nodes
//! ```
//! TLS goes with the last two as well (`rediss+sentinel://`). Query: `ca`, `cert` and `key` name PEM files;
//! `sentinel_user` and `sentinel_password` are for the Sentinels themselves.

use std::collections::HashMap;
use std::fmt;

use percent_encoding::percent_decode_str;
use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates};
use upnext_core::BackendError;
use upnext_core::backend::Result;

/// How the server is found.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is the one node.
    Single,
    /// Sentinels know which server is the primary of this name.
    Sentinel { name: String },
    /// The node that holds the workspace's slot.
    Cluster,
}

/// User and password.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    user: Option<String>,
    password: Option<String>,
}

/// A host and a port.
pub(crate) type Node = (String, u16);

/// Where the server is, and how to speak to it. Shows no secrets.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) kind: Kind,
    pub(crate) nodes: Vec<Node>,
    credentials: Credentials,
    sentinel_credentials: Credentials,
    database: i64,
    tls: Option<TlsCertificates>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

fn unusable(rule: impl Into<String>) -> BackendError {
    BackendError::Unusable(rule.into())
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// One sentence that names what is wrong, without any secret.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| unusable("a Redis URL begins with redis://"))?;
        let (transport, form) = scheme.split_once('+').unwrap_or((scheme, ""));
        let with_tls = match transport {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => {
                return Err(unusable(format!(
                    "a Redis URL does not begin with '{scheme}://': use redis:// or rediss://"
                )));
            }
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user_info, hosts) = match authority.rsplit_once('@') {
            Some((user_info, hosts)) => (Some(user_info), hosts),
            None => (None, authority),
        };
        let query = read_query(query)?;
        let (kind, database) = read_path(form, path)?;
        let default_port = if matches!(kind, Kind::Sentinel { .. }) { 26_379 } else { 6379 };
        let nodes: Vec<Node> =
            hosts.split(',').map(|host| read_node(host, default_port)).collect::<Result<_>>()?;
        if kind == Kind::Single && nodes.len() > 1 {
            return Err(unusable(
                "redis:// names one server: write redis+sentinel://.../name or redis+cluster:// for several",
            ));
        }
        let sentinel_credentials = Credentials {
            user: query.get("sentinel_user").cloned(),
            password: query.get("sentinel_password").cloned(),
        };
        let tls = if with_tls { Some(read_certificates(&query)?) } else { None };
        let credentials = user_info.map(read_credentials).transpose()?.unwrap_or_default();
        Ok(Self { kind, nodes, credentials, sentinel_credentials, database, tls })
    }

    /// The URL without its secrets.
    pub(crate) fn shown(&self) -> String {
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        let nodes: Vec<String> = self.nodes.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let nodes = nodes.join(",");
        match &self.kind {
            Kind::Single => format!("{scheme}://{nodes}/{}", self.database),
            Kind::Sentinel { name } => format!("{scheme}+sentinel://{nodes}/{name}/{}", self.database),
            Kind::Cluster => format!("{scheme}+cluster://{nodes}"),
        }
    }

    /// A client of a server that holds data.
    pub(crate) fn client(&self, node: &Node) -> Result<Client> {
        self.client_with(node, &self.credentials, self.database)
    }

    /// A client of a Sentinel.
    pub(crate) fn sentinel_client(&self, node: &Node) -> Result<Client> {
        self.client_with(node, &self.sentinel_credentials, 0)
    }

    fn client_with(&self, (host, port): &Node, credentials: &Credentials, database: i64) -> Result<Client> {
        let explain =
            |error: redis::RedisError| unusable(format!("cannot use {}: {}", self.shown(), error.category()));
        let mut settings = redis::RedisConnectionInfo::default()
            .set_db(database)
            .set_lib_name("upnext", upnext_core::VERSION);
        if let Some(user) = &credentials.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &credentials.password {
            settings = settings.set_password(password);
        }
        let tcp = redis::io::tcp::TcpSettings::default().set_nodelay(true);
        let info = |addr: ConnectionAddr| -> redis::RedisResult<ConnectionInfo> {
            Ok(addr
                .into_connection_info()?
                .set_redis_settings(settings.clone())
                .set_tcp_settings(tcp.clone()))
        };
        match &self.tls {
            None => info(ConnectionAddr::Tcp(host.clone(), *port)).and_then(Client::open).map_err(explain),
            Some(certificates) => {
                let addr = ConnectionAddr::TcpTls {
                    host: host.clone(),
                    port: *port,
                    insecure: false,
                    tls_params: None,
                };
                info(addr)
                    .and_then(|info| Client::build_with_tls(info, certificates.clone()))
                    .map_err(explain)
            }
        }
    }
}

fn decoded(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| unusable("the Redis URL is not UTF-8 once decoded"))
}

fn read_credentials(user_info: &str) -> Result<Credentials> {
    let (user, password) =
        user_info.split_once(':').map_or((user_info, None), |(user, word)| (user, Some(word)));
    let user = if user.is_empty() { None } else { Some(decoded(user)?) };
    Ok(Credentials { user, password: password.map(decoded).transpose()? })
}

fn read_query(query: &str) -> Result<HashMap<String, String>> {
    let mut read = HashMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !["ca", "cert", "key", "sentinel_user", "sentinel_password"].contains(&name) {
            return Err(unusable(format!(
                "'{name}' means nothing in a Redis URL: use ca, cert, key, sentinel_user or sentinel_password"
            )));
        }
        read.insert(name.to_owned(), decoded(value)?);
    }
    Ok(read)
}

/// The form of the deployment, and the number of the database.
fn read_path(form: &str, path: &str) -> Result<(Kind, i64)> {
    let path = path.trim_matches('/');
    let database = |text: &str| match text {
        "" => Ok(0),
        text => text
            .parse()
            .map_err(|_| unusable(format!("'{text}' in the Redis URL is not the number of a database"))),
    };
    match form {
        "" => Ok((Kind::Single, database(path)?)),
        "sentinel" => {
            let (name, number) = path.split_once('/').unwrap_or((path, ""));
            if name.is_empty() {
                return Err(unusable(
                    "redis+sentinel:// names the primary that the Sentinels watch: redis+sentinel://host:26379/name",
                ));
            }
            Ok((Kind::Sentinel { name: decoded(name)? }, database(number)?))
        }
        "cluster" if database(path)? == 0 => Ok((Kind::Cluster, 0)),
        "cluster" => Err(unusable("a cluster has the database 0 alone: leave the number out of the URL")),
        form => Err(unusable(format!("'+{form}' in the Redis URL means nothing: use +sentinel or +cluster"))),
    }
}

fn read_node(text: &str, default_port: u16) -> Result<Node> {
    let wrong = || unusable(format!("'{text}' in the Redis URL is not host:port"));
    // An IPv6 address stands in brackets.
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let port = port.map_or(Ok(default_port), |port| port.parse().map_err(|_| wrong()))?;
    Ok((host.to_owned(), port))
}

fn read_certificates(query: &HashMap<String, String>) -> Result<TlsCertificates> {
    // One provider for the whole process; whoever came first has chosen the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let file = |name: &str| -> Result<Option<Vec<u8>>> {
        let Some(path) = query.get(name) else { return Ok(None) };
        let read = std::fs::read(path);
        read.map(Some)
            .map_err(|error| unusable(format!("cannot read {path} ({name} in the Redis URL): {error}")))
    };
    let client_tls = match (file("cert")?, file("key")?) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        (None, None) => None,
        _ => return Err(unusable("cert and key go together in a Redis URL")),
    };
    Ok(TlsCertificates { client_tls, root_cert: file("ca")? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_url_is_read() {
        for (url, shown) in [
            ("redis://h", "redis://h:6379/0"),
            ("valkey://user:secret@h:1/2", "redis://h:1/2"),
            ("redis://", "redis://127.0.0.1:6379/0"),
            ("redis://[::1]:7", "redis://::1:7/0"),
            ("rediss://:s%40cret@h", "rediss://h:6379/0"),
            ("redis+sentinel://a,b:2/main", "redis+sentinel://a:26379,b:2/main/0"),
            (
                "redis+sentinel://u:secret@a/main/3?sentinel_password=secret",
                "redis+sentinel://a:26379/main/3",
            ),
            ("rediss+cluster://a:1,b:2", "rediss+cluster://a:1,b:2"),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.shown(), shown);
            assert_eq!(format!("{address:?}"), shown, "a secret is shown");
        }
        let address = Address::parse("redis://ada:s%40cret@h").unwrap();
        assert_eq!(address.credentials.user.as_deref(), Some("ada"));
        assert_eq!(address.credentials.password.as_deref(), Some("s@cret"));
    }

    #[test]
    fn what_cannot_be_meant_says_why() {
        for (url, part) in [
            ("http://h", "begin with 'http://'"),
            ("redis://a,b", "redis+cluster://"),
            ("redis+sentinel://a", "names the primary"),
            ("redis+cluster://a/1", "database 0 alone"),
            ("redis+ring://a", "'+ring'"),
            ("redis://h/one", "number of a database"),
            ("redis://h:x", "not host:port"),
            ("redis://h?tls=1", "'tls' means nothing"),
            ("rediss://h?ca=/nowhere/ca.pem", "cannot read /nowhere/ca.pem"),
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
