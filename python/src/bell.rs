//! The bell of a mailbox: a byte on a socket that the event loop watches, or, for loops that cannot watch sockets
//! (Windows' proactor), one thread that calls `loop.call_soon_threadsafe`.

use std::io;
use std::sync::mpsc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

/// Rings at most once between two drains: the mailbox sees to that.
pub(crate) enum Bell {
    #[cfg(unix)]
    Socket {
        ring: std::os::unix::net::UnixStream,
        heard: std::os::unix::net::UnixStream,
    },
    Thread(mpsc::Sender<()>),
}

impl Bell {
    #[cfg(unix)]
    pub(crate) fn socket() -> io::Result<Self> {
        let (ring, heard) = std::os::unix::net::UnixStream::pair()?;
        ring.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        Ok(Self::Socket { ring, heard })
    }

    #[cfg(not(unix))]
    pub(crate) fn socket() -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "no socket pairs here: pass call_soon"))
    }

    pub(crate) fn thread() -> (Self, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel();
        (Self::Thread(sender), receiver)
    }

    pub(crate) fn ring(&self) {
        match self {
            #[cfg(unix)]
            // A full socket has rung already; a closed one has nobody to hear it.
            Self::Socket { ring, .. } => drop(io::Write::write(&mut &*ring, &[1])),
            Self::Thread(sender) => drop(sender.send(())),
        }
    }

    pub(crate) fn silence(&self) {
        match self {
            #[cfg(unix)]
            Self::Socket { heard, .. } => {
                let mut bytes = [0; 64];
                while matches!(io::Read::read(&mut &*heard, &mut bytes), Ok(64)) {}
            }
            Self::Thread(_) => {}
        }
    }

    pub(crate) fn descriptor(&self) -> io::Result<i32> {
        match self {
            #[cfg(unix)]
            Self::Socket { heard, .. } => Ok(std::os::fd::AsRawFd::as_raw_fd(heard)),
            Self::Thread(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "this bell has no descriptor")),
        }
    }
}

/// Starts the thread that hears a [`Bell::thread`] and has the loop call `drain`. It ends with the mailbox, the loop or
/// the interpreter.
pub(crate) fn answer_rings(
    rings: mpsc::Receiver<()>,
    call_soon: Py<PyAny>,
    mailbox: Py<PyWeakrefReference>,
) -> io::Result<()> {
    std::thread::Builder::new().name("upnext-bell".to_owned()).spawn(move || {
        while rings.recv().is_ok() {
            let heard = Python::try_attach(|py| wake(py, &call_soon, &mailbox));
            // A closed loop raises; then there is nobody left to wake.
            if !matches!(heard, Some(Ok(true))) {
                return;
            }
        }
    })?;
    Ok(())
}

/// False when the mailbox is gone.
fn wake(py: Python<'_>, call_soon: &Py<PyAny>, mailbox: &Py<PyWeakrefReference>) -> PyResult<bool> {
    let Some(mailbox) = mailbox.bind(py).upgrade() else { return Ok(false) };
    call_soon.call1(py, (mailbox.getattr(intern!(py, "drain"))?,))?;
    Ok(true)
}
