//! Something between a client and its server that breaks connections when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A proxy before a server on the loopback interface. It ends with the runtime of its test.
pub(crate) struct Proxy {
    port: u16,
    cuts: watch::Sender<usize>,
    accepted: Arc<AtomicUsize>,
    /// Answers on connections with lower numbers go nowhere.
    silent_below: Arc<AtomicUsize>,
    swallowed: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port should be free");
        let port = listener.local_addr().expect("a bound port has an address").port();
        let proxy = Self {
            port,
            cuts: watch::Sender::new(0),
            accepted: Arc::default(),
            silent_below: Arc::default(),
            swallowed: Arc::default(),
        };
        let (cuts, accepted) = (proxy.cuts.clone(), Arc::clone(&proxy.accepted));
        let (silent_below, swallowed) = (Arc::clone(&proxy.silent_below), Arc::clone(&proxy.swallowed));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = accepted.fetch_add(1, Ordering::SeqCst);
                let (cut, silent_below, swallowed) =
                    (cuts.subscribe(), Arc::clone(&silent_below), Arc::clone(&swallowed));
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                        let is_silent = || number < silent_below.load(Ordering::SeqCst);
                        pass_on(client, server, cut, is_silent, &swallowed).await;
                    }
                });
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Passes no more answers on, on the connections that there are.
    pub(crate) fn swallow_answers(&self) {
        self.silent_below.store(self.accepted.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Waits until an answer did not reach its client, and breaks every connection.
    pub(crate) async fn swallow_answers_and_cut(&self) {
        let before = self.swallowed.load(Ordering::SeqCst);
        self.swallow_answers();
        while self.swallowed.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
        self.cut();
    }
}

async fn pass_on(
    client: TcpStream,
    server: TcpStream,
    mut cut: watch::Receiver<usize>,
    is_silent: impl Fn() -> bool,
    swallowed: &AtomicUsize,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let answers = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = from_server.read(&mut buffer).await?;
            if length == 0 {
                return std::io::Result::Ok(());
            }
            if is_silent() {
                swallowed.fetch_add(1, Ordering::SeqCst);
            } else {
                to_client.write_all(&buffer[..length]).await?;
            }
        }
    };
    tokio::select! {
        _ = requests => {}
        _ = answers => {}
        _ = cut.changed() => {}
    }
}
