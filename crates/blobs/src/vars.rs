//! The variables of an environment, from which services take their credentials.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Variables by name. Hold secrets.
pub(crate) struct Vars(BTreeMap<String, String>);

impl Vars {
    /// A variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Those that are set to something, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| !value.is_empty())
    }

    /// The user's own folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }
}

impl FromIterator<(String, String)> for Vars {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(vars: T) -> Self {
        Self(vars.into_iter().collect())
    }
}
