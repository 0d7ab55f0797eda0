//! Finding artifacts: one by its id, or a page of those that fit a filter.

use std::fmt::Display;
use std::str::FromStr;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use upnext_core::backend::ArtifactQuery;
use upnext_core::{JobId, Timestamp};

use crate::artifact_record::{Kept, KeptPage};
use crate::client::Connection;
use crate::error::Failure;
use crate::work::Work;

/// What Python asks for, a dict with all of these keys.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Filter {
    job: Option<String>,
    root: Option<String>,
    read_by: Option<String>,
    function: Option<String>,
    r#type: Option<String>,
    name: Option<String>,
    name_contains: Option<String>,
    glob: Option<String>,
    tags: Vec<String>,
    search: Option<String>,
    min_size: Option<u64>,
    max_size: Option<u64>,
    after: Option<i64>,
    before: Option<i64>,
    all_versions: bool,
    sort: String,
    limit: usize,
    cursor: Option<String>,
}

impl Filter {
    fn into_query(self) -> PyResult<ArtifactQuery> {
        Ok(ArtifactQuery {
            job_id: parsed(self.job.as_deref())?,
            root_id: parsed(self.root.as_deref())?,
            read_by: parsed(self.read_by.as_deref())?,
            function: self.function,
            artifact_type: parsed(self.r#type.as_deref())?,
            name: self.name,
            name_contains: self.name_contains,
            name_glob: self.glob,
            tags: self.tags,
            min_size: self.min_size,
            max_size: self.max_size,
            after: self.after.map(Timestamp::from_micros),
            before: self.before.map(Timestamp::from_micros),
            search: self.search,
            all_versions: self.all_versions,
            sort: self.sort.parse().map_err(PyValueError::new_err)?,
            limit: self.limit,
            cursor: parsed(self.cursor.as_deref())?,
        })
    }
}

fn parsed<T: FromStr<Err: Display>>(text: Option<&str>) -> PyResult<Option<T>> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|error: T::Err| PyValueError::new_err(error.to_string()))
}

/// Whether a text has the form of a job's id.
#[pyfunction]
pub(crate) fn is_job_id(text: &str) -> bool {
    text.parse::<JobId>().is_ok()
}

/// The artifact with this id; the answer is None when there is none, whatever the text is.
#[pyfunction]
pub(crate) fn find_artifact(connection: &Connection, artifact_id: &str) -> Work {
    let deployment = connection.deployment.clone();
    let id = artifact_id.parse().ok();
    let name = artifact_id.to_owned();
    Work::new(async move {
        let Some(id) = id else { return Ok(None) };
        let found = deployment.artifacts.find(id).await;
        let found = found.map_err(|error| Failure::Artifact { name, error })?;
        Ok(found.map(|artifact| Kept { artifact, deployment }))
    })
}

/// A page of artifacts.
#[pyfunction]
pub(crate) fn list_artifacts(connection: &Connection, wanted: Filter) -> PyResult<Work> {
    let query = wanted.into_query()?;
    let deployment = connection.deployment.clone();
    Ok(Work::new(async move {
        let page = deployment.artifacts.list(query).await;
        let page =
            page.map_err(|error| Failure::Artifact { name: "the list of artifacts".to_owned(), error })?;
        let kept = |artifact| Kept { artifact, deployment: deployment.clone() };
        let items = page.items.into_iter().map(kept).collect();
        Ok(KeptPage { items, next: page.next.map(|cursor| cursor.to_string()) })
    }))
}
