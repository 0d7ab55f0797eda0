//! Query strings: read pair by pair, so that every refusal names the parameter, its value and its rule.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use upnext_core::backend::{ArtifactQuery, Cursor};
use upnext_core::{ArtifactType, JobStatus, JobType, Timestamp};

use crate::described::split_tags;
use crate::error::ApiError;

/// Most items on one page.
const MAX_LIMIT: usize = 1000;

/// Items on one page when the caller names no limit.
const DEFAULT_LIMIT: usize = 100;

/// The decoded pairs of a query string. An empty value counts as not given.
#[derive(Debug)]
pub(crate) struct QueryPairs(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryPairs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl QueryPairs {
    fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The values of a parameter that may be repeated.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may be given once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(ApiError::Invalid(format!("{name} is given more than once"))),
        }
    }

    /// The filters, the order and the page of a list of artifacts.
    pub(crate) fn artifact_query(&self) -> Result<ArtifactQuery, ApiError> {
        let text = |name: &str| Ok::<_, ApiError>(self.one(name)?.map(str::to_owned));
        Ok(ArtifactQuery {
            job_id: None,
            root_id: self.parsed("root_id")?,
            read_by: self.parsed("read_by")?,
            function: text("function")?,
            artifact_type: self.artifact_type()?,
            name: None,
            name_contains: text("name")?,
            name_glob: text("glob")?,
            tags: self.all("tag").flat_map(split_tags).collect(),
            min_size: self.size("min_size")?,
            max_size: self.size("max_size")?,
            after: self.moment("after")?,
            before: self.moment("before")?,
            search: text("q")?,
            all_versions: self.all_versions()?,
            sort: self.parsed("sort")?.unwrap_or_default(),
            limit: self.limit()?,
            cursor: self.cursor()?,
        })
    }

    /// A number of bytes.
    fn size(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| {
                ApiError::Invalid(format!(
                    "{name} is '{text}': it must be a whole number of bytes, at least 0"
                ))
            })
        };
        self.one(name)?.map(parse).transpose()
    }

    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| text.parse().map_err(|error| ApiError::Invalid(format!("{name}: {error}")));
        self.one(name)?.map(parse).transpose()
    }

    /// `limit`: 1 to 1000, 100 when not given.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = self.one("limit")? else { return Ok(DEFAULT_LIMIT) };
        match text.parse() {
            Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            _ => Err(ApiError::Invalid(format!(
                "limit is '{text}': it must be a number from 1 to {MAX_LIMIT}"
            ))),
        }
    }

    /// `cursor`, as an earlier page gave it.
    pub(crate) fn cursor(&self) -> Result<Option<Cursor>, ApiError> {
        self.parsed("cursor")
    }

    /// `status`, any number of times.
    pub(crate) fn statuses(&self) -> Result<Vec<JobStatus>, ApiError> {
        let parse = |text: &str| text.parse().map_err(|error| ApiError::Invalid(format!("status: {error}")));
        self.all("status").map(parse).collect()
    }

    /// `type` of an artifact.
    pub(crate) fn artifact_type(&self) -> Result<Option<ArtifactType>, ApiError> {
        self.parsed("type")
    }

    /// `type` of a function.
    pub(crate) fn job_type(&self) -> Result<Option<JobType>, ApiError> {
        self.parsed("type")
    }

    /// `versions=all`.
    pub(crate) fn all_versions(&self) -> Result<bool, ApiError> {
        match self.one("versions")? {
            None | Some("latest") => Ok(false),
            Some("all") => Ok(true),
            Some(other) => Err(ApiError::Invalid(format!("versions is '{other}': use all or latest"))),
        }
    }

    /// A whole number of at least 0; 0 when not given.
    pub(crate) fn sequence(&self, name: &str) -> Result<i64, ApiError> {
        let Some(text) = self.one(name)? else { return Ok(0) };
        text.parse().ok().filter(|number| *number >= 0).ok_or_else(|| {
            ApiError::Invalid(format!("{name} is '{text}': it must be a whole number of at least 0"))
        })
    }

    /// A whole number of at least 0, if it is given.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| {
                ApiError::Invalid(format!("{name} is '{text}': it must be a whole number of at least 0"))
            })
        };
        self.one(name)?.map(parse).transpose()
    }

    /// A number from 1 to `most`, if it is given.
    pub(crate) fn count(&self, name: &str, most: usize) -> Result<Option<usize>, ApiError> {
        let parse = |text: &str| match text.parse() {
            Ok(count) if (1..=most).contains(&count) => Ok(count),
            _ => Err(ApiError::Invalid(format!("{name} is '{text}': it must be a number from 1 to {most}"))),
        };
        self.one(name)?.map(parse).transpose()
    }

    /// A yes-or-no parameter; no when not given.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.one(name)? {
            None | Some("false" | "0" | "no") => Ok(false),
            Some("true" | "1" | "yes") => Ok(true),
            Some(other) => Err(ApiError::Invalid(format!("{name} is '{other}': use true or false"))),
        }
    }

    /// A moment in RFC 3339. Without an offset it is taken as UTC; a `+` that arrived as a space is taken as `+`.
    pub(crate) fn moment(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let text = text.replace(' ', "+");
        let moment = text.parse().or_else(|_| format!("{text}Z").parse::<Timestamp>());
        moment.map(Some).map_err(|_| {
            ApiError::Invalid(format!(
                "{name} is '{text}': it must be a moment in RFC 3339 such as 2026-01-31T09:30:00Z"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn limits_have_bounds_and_a_default() {
        assert_eq!(QueryPairs::parse("").limit().unwrap(), 100);
        assert_eq!(QueryPairs::parse("limit=1000").limit().unwrap(), 1000);
        for bad in ["0", "1001", "-1", "ten", "1.5"] {
            assert!(detail(QueryPairs::parse(&format!("limit={bad}")).limit()).contains(bad));
        }
        assert!(detail(QueryPairs::parse("limit=1&limit=2").limit()).contains("more than once"));
    }

    #[test]
    fn statuses_repeat_and_empty_values_do_not_count() {
        let pairs = QueryPairs::parse("status=failed&status=queued&status=");
        assert_eq!(pairs.statuses().unwrap(), [JobStatus::Failed, JobStatus::Queued]);
        assert!(detail(QueryPairs::parse("status=done").statuses()).contains("use one of pending"));
    }

    #[test]
    fn moments_may_lack_an_offset_or_carry_an_unescaped_plus() {
        let utc = QueryPairs::parse("after=2026-01-31T09:30:00Z").moment("after").unwrap();
        for same in ["2026-01-31T09:30:00", "2026-01-31T11:30:00+02:00", "2026-01-31T11:30:00%2B02:00"] {
            let pairs = QueryPairs::parse(&format!("after={same}"));
            assert_eq!(pairs.moment("after").unwrap(), utc, "{same}");
        }
        assert!(detail(QueryPairs::parse("after=noon").moment("after")).contains("RFC 3339"));
    }
}
