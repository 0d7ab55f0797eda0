//! What is asked of the server when it is opened: its version, and whether it keeps what it is given.

use redis::Value;
use upnext_core::BackendError;
use upnext_core::backend::Result;
use upnext_core::settings::Durability;

use crate::link::{Link, Repeat};
use crate::reply;

/// The oldest version that has function libraries.
const OLDEST_MAJOR: u32 = 7;

/// Refuses a server that is too old or throws data away, and warns of one that may lose what was acknowledged.
pub(crate) async fn check(link: &Link, durability: Durability) -> Result<()> {
    let server = link.shown();
    let info = match link.send(redis::cmd("INFO").arg("everything"), Repeat::Harmless).await? {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::VerbatimString { text, .. } => text,
        _ => return Err(reply::unexpected("text")),
    };
    let line =
        |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let version = line("redis_version").unwrap_or_default();
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(OLDEST_MAJOR);
    if major < OLDEST_MAJOR {
        return Err(BackendError::Unusable(format!(
            "{server} is version {version}: UpNext needs Redis {OLDEST_MAJOR} or newer, or Valkey"
        )));
    }
    let policy = line("maxmemory_policy").unwrap_or("noeviction");
    let is_bounded = line("maxmemory").is_some_and(|bytes| bytes != "0");
    if policy.starts_with("allkeys") && is_bounded {
        return Err(BackendError::Unusable(format!(
            "{server} throws jobs away when its memory is full (maxmemory-policy {policy}): set maxmemory-policy noeviction"
        )));
    }
    if policy != "noeviction" {
        tracing::warn!(%server, %policy, "set maxmemory-policy noeviction: under this policy the server may throw keys away");
    }
    if durability == Durability::Full {
        warn_of_losses(link, line("aof_enabled") == Some("1")).await;
    }
    Ok(())
}

async fn warn_of_losses(link: &Link, keeps_log: bool) {
    let server = link.shown();
    if !keeps_log {
        tracing::warn!(
            %server,
            "the server keeps no log (appendonly no): a crash loses everything since its last snapshot; set appendonly yes, \
             or UPNEXT_DURABILITY=relaxed if that is meant"
        );
        return;
    }
    // Servers of a cloud may not answer this; then nobody knows better.
    let asked = link.send(redis::cmd("CONFIG").arg("GET").arg("appendfsync"), Repeat::Harmless).await;
    let Some(policy) = asked.ok().and_then(|value| reply::text(reply::list(value).ok()?.pop()?).ok()) else {
        return;
    };
    if policy != "always" {
        tracing::warn!(
            %server,
            %policy,
            "a crash of the server's machine loses up to the last second: set appendfsync always to keep all that was \
             acknowledged, or UPNEXT_DURABILITY=relaxed if that is meant"
        );
    }
}
