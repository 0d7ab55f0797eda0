//! A proxy between a backend and the server that cuts connections at chosen moments.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Which piece of which direction is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection ends instead of handing this request on: the server never hears of it.
    Request,
    /// It ends instead of handing this answer on: the server did what was asked, and nobody hears of it.
    Answer,
}

#[derive(Debug, Default)]
struct Fuse {
    /// Pieces until the cut; less than nothing when none is to come.
    requests: AtomicI64,
    answers: AtomicI64,
}

/// The proxy; it ends with the test's runtime.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    fuse: Arc<Fuse>,
}

impl Proxy {
    pub(crate) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let fuse = Arc::new(Fuse { requests: AtomicI64::new(-1), answers: AtomicI64::new(-1) });
        let lit = Arc::clone(&fuse);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let fuse = Arc::clone(&lit);
                tokio::spawn(async move {
                    // Whichever ends first takes the other with it.
                    tokio::select! {
                        () = carry(from_client, to_server, &fuse.requests) => {}
                        () = carry(from_server, to_client, &fuse.answers) => {}
                    }
                });
            }
        });
        Self { port, fuse }
    }

    /// Cuts whichever connection is the next to pass this many pieces on.
    pub(crate) fn arm(&self, cut: Cut, after: i64) {
        self.disarm();
        match cut {
            Cut::Request => self.fuse.requests.store(after, Ordering::SeqCst),
            Cut::Answer => self.fuse.answers.store(after, Ordering::SeqCst),
        }
    }

    /// True when the cut came.
    pub(crate) fn disarm(&self) -> bool {
        let waiting = [&self.fuse.requests, &self.fuse.answers].map(|fuse| fuse.swap(-1, Ordering::SeqCst));
        waiting == [-1, -1]
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fuse: &AtomicI64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if fuse.load(Ordering::SeqCst) >= 0 && fuse.fetch_sub(1, Ordering::SeqCst) == 0 {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
