//! Telling the backend what an HTTP API in Python answers.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use upnext_core::api::NewRequest;
use upnext_core::{Clock as _, SystemClock, Timestamp};

use crate::client::Connection;
use crate::runtime;
use crate::work::Work;

/// Reports for one instance of an API.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct ApiReporter {
    reporter: Arc<upnext_engine::ApiReporter>,
}

#[pymethods]
impl ApiReporter {
    /// Puts aside a request that was answered just now, `seconds` after it came. Waits for nothing.
    #[pyo3(signature = (method, route, status, seconds, error=None))]
    fn record(&self, method: &str, route: Option<&str>, status: u16, seconds: f64, error: Option<&str>) {
        let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let at = Timestamp::from_micros(SystemClock.now().as_micros().saturating_sub(micros));
        self.reporter.record(NewRequest::new(at, method, route, status, duration, error));
    }

    /// Tells what is left, and that the API stops.
    fn stop(&self) -> Work {
        let reporter = Arc::clone(&self.reporter);
        Work::new(async move {
            reporter.stop().await;
            Ok(())
        })
    }
}

/// Reports from now on that the API called `name` listens on this address, and what it answers.
#[pyfunction]
pub(crate) fn report_api(
    py: Python<'_>,
    connection: &Connection,
    name: &str,
    host: &str,
    port: u16,
) -> PyResult<ApiReporter> {
    let backend = Arc::clone(connection.deployment.client.backend());
    let reporter = upnext_engine::ApiReporter::start(&runtime::handle(py)?, backend, name, host, port);
    Ok(ApiReporter { reporter: Arc::new(reporter) })
}
