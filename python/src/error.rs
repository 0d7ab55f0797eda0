//! The one place where errors of the crates below become Python exceptions. The classes live in `upnext._errors`.

use std::io;

use pyo3::exceptions::{PyLookupError, PyRuntimeError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use upnext_artifacts::ArtifactError;
use upnext_backends::OpenError;
use upnext_core::settings::SettingsErrors;
use upnext_core::{BackendError, SubmitError, WaitError};

/// Why something that Python asked for did not happen.
#[derive(Debug)]
pub(crate) enum Failure {
    Settings(SettingsErrors),
    Open(OpenError),
    Submit(SubmitError),
    Wait(WaitError),
    Backend(BackendError),
    /// The server could not be started.
    Serve(upnext_cli::Failure),
    Artifact {
        name: String,
        error: ArtifactError,
    },
    /// A file of the caller's cannot be written.
    File(io::Error),
    /// The work ended without an answer: it panicked, or the runtime is going down.
    Broken,
}

impl From<SettingsErrors> for Failure {
    fn from(error: SettingsErrors) -> Self {
        Self::Settings(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        Self::Submit(error)
    }
}

impl From<WaitError> for Failure {
    fn from(error: WaitError) -> Self {
        Self::Wait(error)
    }
}

impl From<upnext_cli::Failure> for Failure {
    fn from(error: upnext_cli::Failure) -> Self {
        Self::Serve(error)
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Settings(error) => raise("ConfigurationError", error.to_string()),
            Failure::Open(OpenError::Backend(error)) | Failure::Backend(error) => backend(&error),
            Failure::Open(error) => raise("ConfigurationError", error.to_string()),
            Failure::Serve(error) => PyRuntimeError::new_err(error.to_string()),
            Failure::Submit(SubmitError::Invalid(rule)) => PyValueError::new_err(rule),
            Failure::Submit(SubmitError::UnknownFunction(sentence)) => PyLookupError::new_err(sentence),
            Failure::Submit(SubmitError::Backend(error)) => backend(&error),
            Failure::Wait(error @ WaitError::TimedOut { .. }) => PyTimeoutError::new_err(error.to_string()),
            Failure::Wait(error @ WaitError::UnknownJob(_)) => PyLookupError::new_err(error.to_string()),
            Failure::Wait(WaitError::Backend(error)) => backend(&error),
            Failure::Artifact { name, error } => artifact(&name, &error),
            Failure::File(error) => error.into(),
            Failure::Broken => PyRuntimeError::new_err(
                "UpNext's engine stopped before it answered; nothing is known of the outcome",
            ),
        }
    }
}

fn backend(error: &BackendError) -> PyErr {
    let class = if error.retryable() { "BackendUnavailableError" } else { "BackendError" };
    raise(class, error.to_string())
}

fn artifact(name: &str, error: &ArtifactError) -> PyErr {
    let class = match error {
        ArtifactError::Invalid(_) => "InvalidArtifactError",
        ArtifactError::TooLarge(_) => "ArtifactTooLargeError",
        ArtifactError::UnknownArtifact(_) => "ArtifactNotFoundError",
        ArtifactError::UnknownJob(_) => "ArtifactError",
        ArtifactError::Conflict(_) | ArtifactError::WrongOffset { .. } => "ArtifactConflictError",
        ArtifactError::DigestMismatch(_) => "ArtifactDigestError",
        ArtifactError::StaleLease(_) => "StaleLeaseError",
        ArtifactError::Blob(_) | ArtifactError::Backend(_) => "ArtifactStorageError",
    };
    let sentence = error.to_string();
    // The service names the artifact in what it says about rules; a storage that failed does not know the name.
    let named = if sentence.contains(name) { sentence } else { format!("artifact '{name}': {sentence}") };
    raise(class, named)
}

/// An instance of a class of `upnext._errors`.
fn raise(class: &'static str, message: String) -> PyErr {
    Python::attach(|py| match class_named(py, class) {
        Ok(class) => PyErr::from_type(class, message),
        Err(error) => error,
    })
}

fn class_named<'py>(py: Python<'py>, class: &str) -> PyResult<Bound<'py, PyType>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("upnext._errors").map(Bound::unbind))?;
    Ok(module.bind(py).getattr(class)?.cast_into::<PyType>()?)
}
