//! Choosing events by name.

/// Every name an event can have.
const NAMES: &[&str] = &[
    "artifact.created",
    "artifact.deleted",
    "artifact.updated",
    "job.cancelled",
    "job.completed",
    "job.failed",
    "job.progress",
    "job.queued",
    "job.retrying",
    "job.started",
];

/// A choice of events: names in which `*` stands for any characters.
#[derive(Debug, Clone)]
pub(crate) struct EventNames(Vec<&'static str>);

impl EventNames {
    /// Every event.
    pub(crate) fn all() -> Self {
        Self(NAMES.to_vec())
    }

    /// Those that any of the patterns names.
    ///
    /// # Errors
    /// A sentence about the first pattern that names no event.
    pub(crate) fn chosen<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut chosen = Vec::new();
        for pattern in patterns {
            let before = chosen.len();
            chosen.extend(NAMES.iter().filter(|name| matches(pattern, name)));
            if chosen.len() == before {
                return Err(format!("'{pattern}' names no event: use * or some of {}", NAMES.join(", ")));
            }
        }
        Ok(Self(chosen))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(head) else { return false };
    (0..=name.len()).any(|skipped| name.get(skipped..).is_some_and(|name| matches(rest, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_choose_events() {
        let artifacts = EventNames::chosen(["artifact.*"]).unwrap();
        assert!(artifacts.contains("artifact.deleted") && !artifacts.contains("job.failed"));
        let some = EventNames::chosen(["*.created", "job.failed"]).unwrap();
        assert!(some.contains("artifact.created") && some.contains("job.failed"));
        assert!(!some.contains("job.progress"));
        assert!(NAMES.iter().all(|name| EventNames::all().contains(name)));
        assert!(EventNames::chosen(["*"]).unwrap().contains("job.started"));
    }

    #[test]
    fn a_pattern_that_names_nothing_is_refused() {
        for bad in ["artifacts.*", "", "job.finished", "job"] {
            assert!(EventNames::chosen([bad]).unwrap_err().contains("job.completed"), "{bad}");
        }
    }
}
