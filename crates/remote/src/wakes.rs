//! Wake-ups over HTTP: the server writes one line for each, the other end sets them off in its own process.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use upnext_core::{BackendError, JobId};

use crate::connection::Connection;
use crate::verbs::RemoteBackend;

/// One wake-up, as a line of JSON. An empty line only says that the server is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wake {
    /// Jobs may have become claimable.
    Work,
    /// Another process changed something.
    Elsewhere,
    /// The backend's clock was moved by hand.
    Clock,
    /// These jobs ended.
    Finished(Vec<JobId>),
}

impl Wake {
    /// The wake-up as a line.
    ///
    /// ```
    /// assert_eq!(upnext_remote::Wake::Work.line(), "\"work\"\n");
    /// ```
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("words and ids are JSON");
        line.push('\n');
        line
    }
}

/// How long to leave a server alone whose stream ended.
const AFTER_FAILURE: Duration = Duration::from_millis(300);

/// The longest line: as many ids as one commit can finish.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// Follows the server's wake-ups for as long as somebody has the backend. A stream that ends is begun again; what was missed
/// meanwhile is made good by waking everybody once.
pub(crate) async fn follow(connection: Arc<Connection>, backend: Weak<RemoteBackend>) {
    loop {
        let ended = follow_once(&connection, &backend).await;
        let Some(backend) = backend.upgrade() else { return };
        backend.wake_all();
        drop(backend);
        if let Err(error) = ended {
            tracing::debug!(%error, "no wake-ups from the server; trying again");
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

async fn follow_once(connection: &Connection, backend: &Weak<RemoteBackend>) -> Result<(), BackendError> {
    let response = connection.send(|| connection.request(Method::GET, "signals")).await?;
    // Whatever came in between two streams.
    if let Some(backend) = backend.upgrade() {
        backend.wake_all();
    }
    let mut pieces = response.bytes_stream();
    let mut pending = Vec::new();
    while let Some(piece) = pieces.next().await {
        pending.extend_from_slice(&piece.map_err(|error| connection.lost(&error))?);
        let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else {
            if pending.len() > MAX_LINE {
                return Err(BackendError::Unexpected("a wake-up of the server does not end".to_owned()));
            }
            continue;
        };
        let Some(backend) = backend.upgrade() else { return Ok(()) };
        for line in pending[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // A word of a newer server: whatever it means, somebody should look.
            backend.wake(serde_json::from_slice(line).unwrap_or(Wake::Elsewhere));
        }
        pending.drain(..=end);
    }
    Ok(())
}
