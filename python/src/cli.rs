//! The command line inside of Python: the same as the `upnext` binary's, with this process as the host of its workers.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Mutex;

use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;
use upnext_cli::{DevRequest, Failure, Host, RunRequest, ServerHandle};
use upnext_core::Settings;

use crate::runtime;

/// Runs one command line and answers the exit code. `run` and `dev` are called for the commands of the same name; they
/// answer an exit code and, if it did not work, a sentence.
#[pyfunction]
pub(crate) fn command_line(py: Python<'_>, arguments: Vec<String>, run: Py<PyAny>, dev: Py<PyAny>) -> u8 {
    let host = PythonHost { run, dev };
    py.detach(|| upnext_cli::exit_status(arguments.into_iter().map(Into::into), &host))
}

struct PythonHost {
    run: Py<PyAny>,
    dev: Py<PyAny>,
}

impl Host for PythonHost {
    fn run(&self, request: RunRequest) -> Result<u8, Failure> {
        let RunRequest { files, only, url, verbose } = request;
        Python::attach(|py| answer(py, self.run.call1(py, (texts(files), only, url, verbose))))
    }

    fn dev(&self, request: DevRequest) -> Result<u8, Failure> {
        let DevRequest { files, only, url, verbose, host, port } = request;
        Python::attach(|py| answer(py, self.dev.call1(py, (texts(files), only, url, verbose, host, port))))
    }
}

fn texts(paths: Vec<PathBuf>) -> Vec<String> {
    paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

fn answer(py: Python<'_>, called: PyResult<Py<PyAny>>) -> Result<u8, Failure> {
    match called.and_then(|answer| answer.extract::<(u8, Option<String>)>(py)) {
        Ok((code, None)) => Ok(code),
        Ok((2, Some(sentence))) => Err(Failure::usage(sentence)),
        Ok((_, Some(sentence))) => Err(Failure::new(sentence)),
        Err(error) if error.is_instance_of::<PySystemExit>(py) => {
            Ok(error.value(py).getattr("code").and_then(|code| code.extract()).unwrap_or(1))
        }
        Err(error) => {
            error.print(py);
            Ok(1)
        }
    }
}

/// A server in this process.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Server {
    url: String,
    handle: Mutex<Option<ServerHandle>>,
}

#[pymethods]
impl Server {
    /// The address that a person opens in a browser.
    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    /// Stops it and waits until it has stopped; answers a sentence if it had stopped by itself because of an error.
    fn stop(&self, py: Python<'_>) -> Option<String> {
        let handle = self.handle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()?;
        py.detach(|| handle.stop()).err().map(|failure| failure.to_string())
    }
}

/// Starts a server over what the environment names.
#[pyfunction]
pub(crate) fn start_server(py: Python<'_>, host: String, port: u16) -> PyResult<Server> {
    let handle = runtime::blocking(py, move || {
        let settings = Settings::from_env()?.settings;
        Ok(upnext_cli::start_server(settings, &host, port)?)
    })?;
    Ok(Server { url: handle.url(), handle: Mutex::new(Some(handle)) })
}

/// Prints what goes wrong in the engine to stderr, unless something logs already.
#[pyfunction]
pub(crate) fn log_to_stderr() {
    use tracing_subscriber::prelude::*;
    // That an attempt failed is Python's to log: it knows the exception.
    let told_by_python = |metadata: &tracing::Metadata<'_>| metadata.fields().field("attempt").is_some();
    let filter = tracing_subscriber::EnvFilter::new("error,upnext=warn");
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(tracing_subscriber::filter::filter_fn(move |metadata| !told_by_python(metadata)));
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
