//! Who may call: the right key or a session begun with it, the right host name, the right origin.

mod host;
mod key;
mod origin;
mod session;

pub(crate) use host::{HostPolicy, check_host};
pub(crate) use key::{KeyDigest, Lock, require_key};
pub(crate) use origin::{OriginPolicy, check_origin};
pub(crate) use session::{Sessions, end as end_session};

/// The host of `host:port`, in lower case and without the brackets of an IPv6 address.
fn host_of(authority: &str) -> String {
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The `host:port` of an origin such as `http://localhost:5173`.
pub(crate) fn authority_of(origin: &str) -> Option<&str> {
    let (scheme, authority) = origin.split_once("://")?;
    let plain = !authority.is_empty() && !authority.contains(['/', '?', '#', '@', ' ']);
    (matches!(scheme, "http" | "https") && plain).then_some(authority)
}
