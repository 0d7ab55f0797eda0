//! A server in a thread of its own, for `upnext server start` and for whoever wants one inside of another process.

use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use upnext_core::Settings;
use upnext_server::Served;

use crate::failure::Failure;

/// A running server. Dropping it tells the server to stop but does not wait.
#[derive(Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    root_path: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Failure>>>,
    ended: Option<oneshot::Receiver<()>>,
}

impl ServerHandle {
    /// Where it listens; the port is the real one, also when 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that a person opens in a browser on this machine, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        browser_url(self.address) + &self.root_path
    }

    /// Stops the server and waits, a few seconds at most, until running requests have finished.
    ///
    /// # Errors
    /// When the server had stopped by itself because something went wrong.
    pub fn stop(mut self) -> Result<(), Failure> {
        self.tell();
        let ended = self.thread.take().map(JoinHandle::join);
        ended.map_or(Ok(()), |ended| {
            ended.unwrap_or_else(|_| Err(Failure::new("the server's thread panicked")))
        })
    }

    /// Resolves when the server has stopped by itself.
    pub(crate) fn ended(&mut self) -> oneshot::Receiver<()> {
        self.ended.take().unwrap_or_else(|| oneshot::channel().1)
    }

    fn tell(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A server that is gone already needs no telling.
            let _ = stop.send(());
        }
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.tell();
    }
}

/// Starts a server over the deployment that `settings` name. Returns when it listens. Blocks for as long as that takes.
///
/// # Errors
/// One sentence: the port is in use, the settings do not allow the address, or the deployment cannot be opened.
pub fn start_server(settings: Settings, host: &str, port: u16) -> Result<ServerHandle, Failure> {
    // A server has a database of its own, and works through no other server.
    let settings = Settings { url: None, ..settings };
    let (started, starting) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let (ending, ended) = oneshot::channel();
    let (host, root_path) = (host.to_owned(), settings.root_path.clone());
    let thread = std::thread::Builder::new()
        .name("upnext-server".to_owned())
        .spawn(move || {
            let result = run(settings, &host, port, &started, stopped);
            drop(ending);
            result
        })
        .map_err(|error| Failure::new(format!("no thread could be started: {error}")))?;
    match starting.recv() {
        Ok(address) => Ok(ServerHandle {
            address,
            root_path,
            stop: Some(stop),
            thread: Some(thread),
            ended: Some(ended),
        }),
        // The thread ended without an address: it knows why.
        Err(_) => match thread.join() {
            Ok(Err(failure)) => Err(failure),
            _ => Err(Failure::new("the server ended before it began")),
        },
    }
}

fn run(
    settings: Settings,
    host: &str,
    port: u16,
    started: &mpsc::Sender<SocketAddr>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("upnext-server")
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no thread could be started: {error}")))?;
    let result = runtime.block_on(async {
        let listener = bind(host, port).await?;
        let address = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?;
        upnext_server::check(&settings, address)?;
        let deployment = upnext_backends::open(settings).await?;
        let served = Served {
            client: deployment.client,
            artifacts: deployment.artifacts,
            settings: deployment.settings,
        };
        let _ = started.send(address);
        let shutdown = async {
            // Told to stop, or the handle was dropped.
            let _ = stopped.await;
        };
        Ok(upnext_server::serve(served, listener, shutdown).await?)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn bind(host: &str, port: u16) -> Result<TcpListener, Failure> {
    let resolved = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<SocketAddr> = resolved
        .map_err(|error| Failure::usage(format!("the host '{host}' is not known: {error}")))?
        .collect();
    // One address, not the first that happens to work: a port that is taken must not be hidden by falling to ::1.
    let address = addresses.iter().find(|address| address.is_ipv4()).or_else(|| addresses.first());
    let address = *address.ok_or_else(|| Failure::usage(format!("the host '{host}' has no address")))?;
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Failure::new(format!(
            "port {port} on {host} is in use: stop what uses it, or choose another with --port (0 takes a free one)"
        )),
        std::io::ErrorKind::PermissionDenied => {
            Failure::new(format!("port {port} on {host} may not be used by this user: choose one above 1023"))
        }
        std::io::ErrorKind::AddrNotAvailable => {
            Failure::usage(format!("{host} is not an address of this machine: choose another with --host"))
        }
        _ => Failure::new(format!("port {port} on {host} cannot be used: {error}")),
    })
}

fn browser_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => return format!("http://localhost:{}", address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => return format!("http://localhost:{}", address.port()),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_an_address_that_opens() {
        assert_eq!(browser_url("127.0.0.1:8080".parse().unwrap()), "http://127.0.0.1:8080");
        assert_eq!(browser_url("0.0.0.0:80".parse().unwrap()), "http://localhost:80");
        assert_eq!(browser_url("[::1]:80".parse().unwrap()), "http://[::1]:80");
    }
}
