//! What a caller says about a new artifact in short texts: the parameters of a query, the fields of a form, the metadata
//! of a resumable upload.

use std::time::Duration;

use upnext_artifacts::CreateArtifact;
use upnext_core::{ArtifactType, JobId, Labels, RawJson};

use crate::error::ApiError;
use crate::query::QueryPairs;

/// The longest life, and the longest delay, that can be asked for: a hundred years.
pub(crate) const LONGEST_SECONDS: f64 = 100.0 * 366.0 * 24.0 * 3600.0;

/// What was said so far.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub(crate) name: Option<String>,
    pub(crate) artifact_type: Option<ArtifactType>,
    pub(crate) labels: Labels,
    pub(crate) expires_in: Option<Duration>,
}

impl Described {
    /// The parameters of a query.
    pub(crate) fn in_query(query: &QueryPairs) -> Result<Self, ApiError> {
        let mut described = Self::default();
        for field in ["name", "type", "description", "tag", "tags", "metadata", "expires_in"] {
            for text in query.all(field) {
                described.take(field, text)?;
            }
        }
        Ok(described)
    }

    /// Takes one text; false when there is no field of this name. An empty one counts as not given.
    pub(crate) fn take(&mut self, field: &str, text: &str) -> Result<bool, ApiError> {
        let invalid = |rule: String| ApiError::Invalid(format!("{field}: {rule}"));
        let given = !text.is_empty();
        match field {
            "name" if given => once(field, &mut self.name, text.to_owned())?,
            "type" if given => {
                let parsed = text.parse().map_err(|error| invalid(format!("{error}")))?;
                once(field, &mut self.artifact_type, parsed)?;
            }
            "description" if given => once(field, &mut self.labels.description, text.to_owned())?,
            "tag" | "tags" if given => self.labels.tags.extend(split_tags(text)),
            "metadata" if given => {
                let parsed =
                    RawJson::parse(text).map_err(|error| invalid(format!("it is not JSON: {error}")))?;
                once(field, &mut self.labels.metadata, parsed)?;
            }
            "expires_in" if given => {
                let seconds = text.trim().parse().map_err(|_| seconds_rule(text))?;
                once(field, &mut self.expires_in, lifetime(seconds)?)?;
            }
            "name" | "type" | "description" | "tag" | "tags" | "metadata" | "expires_in" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The request for an artifact of this name.
    pub(crate) fn request(self, job_id: JobId, name: impl Into<String>) -> CreateArtifact {
        CreateArtifact {
            artifact_type: self.artifact_type,
            labels: self.labels,
            expires_in: self.expires_in,
            ..CreateArtifact::new(job_id, name)
        }
    }
}

fn once<T>(field: &str, place: &mut Option<T>, value: T) -> Result<(), ApiError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ApiError::Invalid(format!("{field} is given more than once"))),
    }
}

/// Tags in one text, separated by commas, which no tag holds.
pub(crate) fn split_tags(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned)
}

/// `expires_in` as a time.
pub(crate) fn lifetime(seconds: f64) -> Result<Duration, ApiError> {
    let fits = seconds > 0.0 && seconds <= LONGEST_SECONDS;
    // Less than a microsecond is none.
    let time =
        Some(seconds).filter(|_| fits).map(Duration::from_secs_f64).filter(|time| time.as_micros() > 0);
    time.ok_or_else(|| seconds_rule(&seconds.to_string()))
}

fn seconds_rule(text: &str) -> ApiError {
    ApiError::Invalid(format!(
        "expires_in is '{text}': it must be a number of seconds, more than 0 and at most {LONGEST_SECONDS}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(pairs: &[(&str, &str)]) -> Result<Described, String> {
        let mut described = Described::default();
        for (field, text) in pairs {
            described.take(field, text).map_err(|error| error.to_string())?;
        }
        Ok(described)
    }

    #[test]
    fn fields_are_read_and_empty_ones_do_not_count() {
        let found = described(&[
            ("name", "a.txt"),
            ("name", ""),
            ("type", "text"),
            ("tags", "a, b"),
            ("tag", "c,"),
            ("metadata", "{\"n\": 1}"),
            ("expires_in", "1.5"),
            ("description", ""),
        ])
        .unwrap();
        assert_eq!(found.name.as_deref(), Some("a.txt"));
        assert_eq!(found.labels.tags, ["a", "b", "c"]);
        assert_eq!(found.labels.metadata.unwrap().as_str(), "{\"n\": 1}");
        assert_eq!((found.expires_in, found.labels.description), (Some(Duration::from_millis(1500)), None));
        assert!(!Described::default().take("relativePath", "x").unwrap());
    }

    #[test]
    fn bad_fields_are_named() {
        for (pairs, part) in [
            (&[("type", "pdf")][..], "type: 'pdf' is not an artifact type"),
            (&[("metadata", "{")], "metadata: it is not JSON"),
            (&[("expires_in", "0")], "expires_in is '0'"),
            (&[("expires_in", "-1")], "more than 0"),
            (&[("expires_in", "nan")], "number of seconds"),
            (&[("expires_in", "inf")], "number of seconds"),
            (&[("expires_in", "1e-9")], "number of seconds"),
            (&[("expires_in", "soon")], "expires_in is 'soon'"),
            (&[("name", "a"), ("name", "b")], "name is given more than once"),
        ] {
            let error = described(pairs).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
