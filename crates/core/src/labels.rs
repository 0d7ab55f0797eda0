//! What people write on an artifact beside its name: a description, tags, and metadata of their own.

use serde::{Deserialize, Serialize};

use crate::folding::without_case;
use crate::job::RawJson;

/// The longest description, in characters.
const MAX_DESCRIPTION_CHARS: usize = 4096;

/// The most tags on one artifact or job.
const MAX_TAGS: usize = 32;

/// The longest tag, in characters.
const MAX_TAG_CHARS: usize = 64;

/// The largest metadata, in bytes of JSON.
const MAX_METADATA_BYTES: usize = 64 * 1024;

/// Description, tags and metadata of an artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// A sentence about it.
    pub description: Option<String>,
    /// Words it can be found by, each once, in the order they were given.
    pub tags: Vec<String>,
    /// One JSON object.
    pub metadata: Option<RawJson>,
}

impl Labels {
    /// True when there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.description.is_none() && self.tags.is_empty() && self.metadata.is_none()
    }

    /// Checks the limits and takes out repeated tags.
    ///
    /// # Errors
    /// One sentence that names the rule.
    ///
    /// ```
    /// use upnext_core::artifact::Labels;
    /// let labels = Labels { tags: vec!["model".into(), "model".into()], ..Labels::default() };
    /// assert_eq!(labels.checked()?.tags, ["model"]);
    /// assert!(Labels { tags: vec!["a,b".into()], ..Labels::default() }.checked().is_err());
    /// # Ok::<(), String>(())
    /// ```
    pub fn checked(self) -> Result<Self, String> {
        let description = self.description.filter(|text| !text.is_empty());
        if let Some(length) = description.as_ref().map(|text| text.chars().count())
            && length > MAX_DESCRIPTION_CHARS
        {
            return Err(format!(
                "a description has at most {MAX_DESCRIPTION_CHARS} characters; this one has {length}: put long texts \
                 into an artifact of their own"
            ));
        }
        let tags = check_tags("an artifact", self.tags)?;
        if let Some(metadata) = &self.metadata {
            check_metadata(metadata)?;
        }
        Ok(Self { description, tags, metadata: self.metadata })
    }

    /// Everything that full-text search looks into, [without letter case](without_case); `None` when there is nothing.
    #[must_use]
    pub fn search_text(&self) -> Option<String> {
        let description = self.description.as_deref();
        let metadata = self.metadata.as_ref().map(RawJson::as_str);
        let parts: Vec<&str> =
            description.into_iter().chain(self.tags.iter().map(String::as_str)).chain(metadata).collect();
        // A description may hold NUL, which some engines take for the end of a text.
        (!parts.is_empty()).then(|| without_case(&parts.join("\n").replace('\0', " ")))
    }
}

/// A tag as it is stored: trimmed, 1 to 64 characters, no commas (they separate tags in queries), nothing invisible.
///
/// # Errors
/// One sentence that names the rule.
pub fn check_tag(tag: &str) -> Result<String, String> {
    let tag = tag.trim();
    let length = tag.chars().count();
    if length == 0 || length > MAX_TAG_CHARS || tag.chars().any(|c| c == ',' || c.is_control()) {
        return Err(format!(
            "{tag:?} is not a tag: a tag has 1 to {MAX_TAG_CHARS} characters, no comma and no control characters"
        ));
    }
    Ok(tag.to_owned())
}

/// Tags as they are stored: each [checked](check_tag) and kept once, in the order they were given. `whose` they are is said
/// when there are too many.
///
/// # Errors
/// One sentence that names the rule.
///
/// ```
/// use upnext_core::artifact::check_tags;
/// assert_eq!(check_tags("a job", vec![" nightly".into(), "eu".into(), "eu".into()])?, ["nightly", "eu"]);
/// assert!(check_tags("a job", vec!["a,b".into()]).is_err());
/// # Ok::<(), String>(())
/// ```
pub fn check_tags(whose: &str, tags: Vec<String>) -> Result<Vec<String>, String> {
    let mut checked: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        let tag = check_tag(&tag)?;
        if !checked.contains(&tag) {
            checked.push(tag);
        }
    }
    if checked.len() > MAX_TAGS {
        return Err(format!("{whose} has at most {MAX_TAGS} tags; these are {}", checked.len()));
    }
    Ok(checked)
}

fn check_metadata(metadata: &RawJson) -> Result<(), String> {
    let size = metadata.as_str().len();
    if size > MAX_METADATA_BYTES {
        return Err(format!(
            "metadata is at most {MAX_METADATA_BYTES} bytes of JSON; this is {size}: put large data into an artifact"
        ));
    }
    if !metadata.as_str().trim_start().starts_with('{') {
        return Err("metadata is one JSON object".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Labels)) -> Result<Labels, String> {
        let mut labels = Labels::default();
        change(&mut labels);
        labels.checked()
    }

    #[test]
    fn labels_within_their_limits_are_kept() {
        let labels = with(|labels| {
            labels.description = Some("Größe der Modelle".into());
            labels.tags = vec![" a ".into(), "b".into(), "a".into()];
            labels.metadata = Some(RawJson::parse(r#"{"Epoch": 3}"#).unwrap());
        })
        .unwrap();
        assert_eq!(labels.tags, ["a", "b"]);
        assert_eq!(labels.search_text().unwrap(), "grösse der modelle\na\nb\n{\"epoch\": 3}");
        assert_eq!(with(|labels| labels.description = Some(String::new())).unwrap(), Labels::default());
        assert_eq!(Labels::default().search_text(), None);
    }

    #[test]
    fn labels_beyond_their_limits_name_the_rule() {
        let metadata = |text: &str| RawJson::parse(text).unwrap();
        for (error, part) in [
            (with(|labels| labels.description = Some("x".repeat(5000))), "has 5000"),
            (with(|labels| labels.tags = vec!["x".repeat(65)]), "is not a tag"),
            (with(|labels| labels.tags = vec!["a\nb".into()]), "control"),
            (with(|labels| labels.tags = (0..33).map(|n| n.to_string()).collect()), "these are 33"),
            (with(|labels| labels.metadata = Some(metadata("[1]"))), "one JSON object"),
            (
                with(|l| l.metadata = Some(metadata(&format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))))),
                "65536",
            ),
        ] {
            let error = error.unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
