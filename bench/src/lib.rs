//! What the measurements share.

use std::time::{Duration, Instant};

use upnext::UpNext;

/// Waits until the system itself says that nothing is left, as peers are asked. Looks seldom enough to spend little of the time on
/// looking.
///
/// # Errors
/// When the backend fails.
pub async fn drained(app: &UpNext) -> anyhow::Result<()> {
    loop {
        let begun = Instant::now();
        let depth = app.client().backend().queue_depth().await?.whole();
        if depth.queued + depth.active == 0 {
            return Ok(());
        }
        tokio::time::sleep((begun.elapsed() * 20).max(Duration::from_millis(2))).await;
    }
}
