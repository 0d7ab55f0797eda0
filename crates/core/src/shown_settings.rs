//! What holds of every setting, as people may see it: secrets and passwords are hidden.

use crate::settings::{PREFIX, SETTINGS, SettingInfo, Settings};

/// A setting with its value, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting {
    /// What is written down about it.
    pub info: &'static SettingInfo,
    /// What holds; `***` for a secret, empty for what is not set.
    pub value: String,
    /// False where the default holds.
    pub is_set: bool,
}

impl ShownSetting {
    /// Its name as an environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.info.name)
    }
}

impl SettingInfo {
    /// True when its value is never shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        // Anyone who knows a webhook's address can post to it.
        ["KEY", "SECRET", "WEBHOOK_URL"].iter().any(|word| self.name.contains(word))
    }

    /// A value of it as people may see it: `***` for a secret, an address without its password.
    #[must_use]
    pub fn fit_to_be_shown(&self, value: &str) -> String {
        if self.is_secret() { "***".to_owned() } else { without_password(value) }
    }
}

impl Settings {
    /// Every setting, in the order of the reference page.
    ///
    /// ```
    /// use upnext_core::Settings;
    /// let vars = [("UPNEXT_API_KEY", "hunter2"), ("UPNEXT_PORT", "80"), ("HOME", "/home/ada")];
    /// let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    /// let shown = Settings::from_vars(vars)?.settings.shown();
    /// let value = |name: &str| shown.iter().find(|setting| setting.info.name == name).unwrap().value.clone();
    /// assert_eq!((value("API_KEY"), value("PORT"), value("HOST")), ("***".into(), "80".into(), "127.0.0.1".into()));
    /// # Ok::<(), upnext_core::settings::SettingsErrors>(())
    /// ```
    #[must_use]
    pub fn shown(&self) -> Vec<ShownSetting> {
        let shown = |info: &'static SettingInfo| {
            let given = self.chosen(info.name).or_else(|| self.given.get(info.name).cloned());
            let is_set = given.is_some();
            let value = given.map_or_else(|| info.default.to_owned(), |text| info.fit_to_be_shown(&text));
            ShownSetting { info, value, is_set }
        };
        SETTINGS.iter().map(shown).collect()
    }

    /// What a caller may have chosen in another way than by a variable.
    fn chosen(&self, name: &str) -> Option<String> {
        let value = match name {
            "HOST" => self.host.clone(),
            "PORT" => self.port.to_string(),
            "DATABASE_URL" => self.database_url.clone()?,
            "REDIS_URL" => self.redis_url.clone()?,
            _ => return None,
        };
        let default = SETTINGS.iter().find(|info| info.name == name).map_or("", |info| info.default);
        (value != default).then_some(value)
    }
}

/// A URL with its password, and whatever its query says, hidden. Other text as it is.
#[must_use]
pub fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let hidden = match rest.rsplit_once('@') {
        Some((login, address)) => {
            let user = login.split(':').next().unwrap_or_default();
            let password = if login.contains(':') { ":***" } else { "" };
            format!("{user}{password}@{address}")
        }
        None => rest.to_owned(),
    };
    format!("{scheme}://{hidden}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_hidden() {
        for (url, shown) in [
            ("postgres://ada:pass@word@db:5432/x?password=1", "postgres://ada:***@db:5432/x?***"),
            ("redis://:secret@h", "redis://:***@h"),
            ("sqlite:///var/lib/upnext.db", "sqlite:///var/lib/upnext.db"),
            ("text", "text"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn every_secret_is_known_as_one() {
        let secret: Vec<&str> =
            SETTINGS.iter().filter(|info| info.is_secret()).map(|info| info.name).collect();
        assert_eq!(secret, ["API_KEY", "WEBHOOK_URLS", "WEBHOOK_SECRET", "ALERT_WEBHOOK_URL"]);
    }
}
