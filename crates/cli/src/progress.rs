//! Bars on stderr that say how far something is. Nobody sees them unless stderr is a terminal.

use std::io;

use bytes::Bytes;
use futures::stream::{BoxStream, Stream, StreamExt as _};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far something is. The bar goes away with this value.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of so many bytes; `None` when nobody knows how many there are.
    pub(crate) fn bytes(total: Option<u64>) -> Self {
        match total {
            Some(total) => Self::start(
                ProgressBar::new(total),
                "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
            ),
            None => Self::start(ProgressBar::new_spinner(), "{spinner} {bytes}  {bytes_per_sec}"),
        }
    }

    /// Of so many things.
    pub(crate) fn items(total: u64) -> Self {
        Self::start(ProgressBar::new(total), "{bar:30} {pos}/{len}  {eta} left")
    }

    fn start(bar: ProgressBar, template: &str) -> Self {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// So many more are done.
    pub(crate) fn advance(&self, count: u64) {
        self.0.inc(count);
    }

    /// So many are done by now.
    pub(crate) fn reach(&self, count: u64) {
        self.0.set_position(count);
    }

    /// A stream whose pieces count as done when they pass.
    pub(crate) fn follow(
        self,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> BoxStream<'static, io::Result<Bytes>> {
        pieces
            .inspect(move |piece| {
                if let Ok(piece) = piece {
                    self.advance(piece.len() as u64);
                }
            })
            .boxed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
