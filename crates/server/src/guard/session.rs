//! Sessions of browsers: whoever has shown the key once gets a cookie, so that pictures and frames of the dashboard, which
//! send no headers of their own, load as well.
//!
//! A session is a signed moment at which it ends. The signing secret is random and kept in the backend; the key's digest is
//! signed along with it, so that another key ends all sessions. The cookie holds neither.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::sync::OnceCell;
use upnext_core::{Backend, BackendError, Timestamp};

use super::KeyDigest;
use crate::content_link::fresh_secret;

/// How long a session lasts: a working week.
const LASTS: Duration = Duration::from_secs(7 * 24 * 3600);

const COOKIE: &str = "upnext_session";

/// Begins and checks sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    backend: Arc<dyn Backend>,
    key: KeyDigest,
    secret: Arc<OnceCell<Secret>>,
}

struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Sessions {
    pub(crate) fn new(backend: Arc<dyn Backend>, key: KeyDigest) -> Self {
        Self { backend, key, secret: Arc::default() }
    }

    /// True when this is the key.
    pub(crate) fn opens(&self, key: &str) -> bool {
        self.key.is_of(key)
    }

    /// The cookie of a session that begins now, for the server's root path alone. Over https it is never sent in the clear.
    pub(crate) async fn begin(
        &self,
        root: &str,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<HeaderValue, BackendError> {
        let ends = seconds(now.after(LASTS));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(ends).await?.finalize().into_bytes());
        Ok(cookie(&format!("{ends}.{signature}"), LASTS, root, headers))
    }

    /// True when the request carries a session that has not ended.
    pub(crate) async fn holds(&self, headers: &HeaderMap, now: Timestamp) -> Result<bool, BackendError> {
        for token in tokens_in(headers) {
            let parts = token.split_once('.').and_then(|(ends, signature)| {
                Some((ends.parse::<i64>().ok()?, URL_SAFE_NO_PAD.decode(signature).ok()?))
            });
            let Some((ends, signature)) = parts else { continue };
            // Compared in constant time.
            if self.mac(ends).await?.verify_slice(&signature).is_ok() && seconds(now) < ends {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn mac(&self, ends: i64) -> Result<Hmac<Sha256>, BackendError> {
        let secret = self.secret.get_or_try_init(|| self.keep_secret()).await?;
        let mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes keys of any length");
        Ok(mac.chain_update(format!("session until {ends} of ")).chain_update(self.key.as_bytes()))
    }

    async fn keep_secret(&self) -> Result<Secret, BackendError> {
        self.backend.keep_secret("sessions", fresh_secret()?).await.map(Secret)
    }
}

/// The cookie that takes a session away.
pub(crate) fn end(root: &str, headers: &HeaderMap) -> HeaderValue {
    cookie("", Duration::ZERO, root, headers)
}

fn cookie(value: &str, lasts: Duration, root: &str, headers: &HeaderMap) -> HeaderValue {
    let secure = if is_https(headers) { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE}={value}; Path={root}/; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
        lasts.as_secs()
    );
    HeaderValue::try_from(text).expect("a cookie is made of plain characters")
}

/// A browser's page says how it was loaded; a proxy says how it was called.
fn is_https(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text("origin").starts_with("https://") || text("x-forwarded-proto").eq_ignore_ascii_case("https")
}

fn tokens_in(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name.trim() == COOKIE).then(|| value.trim())
    })
}

fn seconds(moment: Timestamp) -> i64 {
    moment.as_micros() / 1_000_000
}

#[cfg(test)]
mod tests {
    use upnext_sqlite::SqliteOptions;

    use super::*;

    fn carrying(cookie: &str) -> HeaderMap {
        let pair = cookie.split(';').next().unwrap_or_default();
        let line = format!("theme=dark; {pair}; other=1");
        [(header::COOKIE, HeaderValue::try_from(line).unwrap())].into_iter().collect()
    }

    #[tokio::test]
    async fn a_session_lasts_for_a_while_and_dies_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("upnext.db"));
        let backend = upnext_sqlite::open(options).await.unwrap();
        let sessions = Sessions::new(Arc::clone(&backend), KeyDigest::of("key"));
        let now = Timestamp::from_micros(1_769_851_200_000_000);
        let cookie = sessions.begin("", &HeaderMap::new(), now).await.unwrap();
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
        // Another server of the same deployment takes it.
        let other = Sessions::new(Arc::clone(&backend), KeyDigest::of("key"));
        let last = now.after(LASTS - Duration::from_secs(1));
        assert!(other.holds(&carrying(cookie), last).await.unwrap());
        assert!(!other.holds(&carrying(cookie), now.after(LASTS)).await.unwrap());
        let changed = Sessions::new(backend, KeyDigest::of("another key"));
        assert!(!changed.holds(&carrying(cookie), now).await.unwrap());
        for bad in ["", "upnext_session=", "upnext_session=9999999999.", "upnext_session=9999999999.AAAA"] {
            assert!(!other.holds(&carrying(bad), now).await.unwrap(), "{bad}");
        }
        let longer = cookie.replacen("=1", "=9", 1);
        assert!(!other.holds(&carrying(&longer), now).await.unwrap(), "a session was made longer");
    }

    #[test]
    fn over_https_the_cookie_stays_there() {
        for (name, value) in [("origin", "https://ops.example"), ("x-forwarded-proto", "https")] {
            let headers = [(header::HeaderName::from_static(name), HeaderValue::from_static(value))];
            let cookie = end("/upnext", &headers.into_iter().collect());
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; Path=/upnext/;") && cookie.ends_with("; Secure"), "{name}");
        }
    }
}
