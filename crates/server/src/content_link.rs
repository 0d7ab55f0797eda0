//! Links to one artifact's content that open without a key for a short time.
//!
//! The signing secret is random and kept in the backend, so that all servers of a deployment take each other's links, and
//! restarts do not end them. It is not made from the API key: whoever saw one link could then try out keys against it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::sync::OnceCell;
use upnext_core::{ArtifactId, Backend, BackendError, Timestamp};

/// How long a link opens: long enough for a video to be watched in pieces, short enough to be of no use when it is found.
const OPENS_FOR: Duration = Duration::from_secs(15 * 60);

/// Links made within this time are the same, so that browsers can keep what they got.
const STEP: Duration = Duration::from_secs(5 * 60);

/// Makes and checks links.
#[derive(Debug)]
pub(crate) struct ContentLinks {
    backend: Arc<dyn Backend>,
    secret: OnceCell<Secret>,
}

struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl ContentLinks {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, secret: OnceCell::new() }
    }

    /// What opens this artifact's content from now on.
    pub(crate) async fn token(&self, id: ArtifactId, now: Timestamp) -> Result<String, BackendError> {
        let step = i64::try_from(STEP.as_secs()).unwrap_or(i64::MAX);
        let ends = seconds(now.after(OPENS_FOR)) / step * step + step;
        let signature = self.mac(id, ends).await?.finalize().into_bytes();
        Ok(format!("{ends}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// True when this opens that artifact's content now.
    pub(crate) async fn opens(
        &self,
        token: &str,
        id: ArtifactId,
        now: Timestamp,
    ) -> Result<bool, BackendError> {
        let parts = token.split_once('.').and_then(|(ends, signature)| {
            Some((ends.parse::<i64>().ok()?, URL_SAFE_NO_PAD.decode(signature).ok()?))
        });
        let Some((ends, signature)) = parts else { return Ok(false) };
        // Compared in constant time.
        Ok(self.mac(id, ends).await?.verify_slice(&signature).is_ok() && seconds(now) < ends)
    }

    async fn mac(&self, id: ArtifactId, ends: i64) -> Result<Hmac<Sha256>, BackendError> {
        let secret = self.secret.get_or_try_init(|| self.keep_secret()).await?;
        let mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes keys of any length");
        Ok(mac.chain_update(format!("artifact content {id} until {ends}")))
    }

    async fn keep_secret(&self) -> Result<Secret, BackendError> {
        self.backend.keep_secret("artifact-links", fresh_secret()?).await.map(Secret)
    }
}

/// Random bytes to sign with.
pub(crate) fn fresh_secret() -> Result<[u8; 32], BackendError> {
    let mut fresh = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut fresh)
        .map_err(|_| BackendError::Unusable("this system gives no random numbers to sign with".to_owned()))?;
    Ok(fresh)
}

fn seconds(moment: Timestamp) -> i64 {
    moment.as_micros() / 1_000_000
}

#[cfg(test)]
mod tests {
    use upnext_sqlite::SqliteOptions;

    use super::*;

    #[tokio::test]
    async fn a_link_opens_one_artifact_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("upnext.db"));
        let backend = upnext_sqlite::open(options).await.unwrap();
        let links = ContentLinks::new(Arc::clone(&backend));
        let (id, now) = (ArtifactId::fresh(), Timestamp::from_micros(1_769_851_201_000_000));
        let token = links.token(id, now).await.unwrap();
        assert_eq!(token, links.token(id, now.after(Duration::from_secs(60))).await.unwrap());
        // Another server of the same deployment takes it.
        let other = ContentLinks::new(backend);
        assert!(other.opens(&token, id, now.after(OPENS_FOR)).await.unwrap());
        assert!(!other.opens(&token, id, now.after(OPENS_FOR + STEP)).await.unwrap());
        assert!(!other.opens(&token, ArtifactId::fresh(), now).await.unwrap());
        let later = token.replacen('1', "9", 1);
        for bad in ["", ".", "9999999999.", "x.y", later.as_str(), &token[..token.len() - 2]] {
            assert!(!other.opens(bad, id, now).await.unwrap(), "{bad}");
        }
    }
}
