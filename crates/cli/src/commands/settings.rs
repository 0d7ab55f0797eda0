//! `upnext settings`: every `UPNEXT_*` variable, what it does, and what holds now. Secrets are never printed.

use serde::Serialize;
use upnext_core::settings::{PREFIX, SETTINGS, SettingInfo};

use super::DONE;
use crate::failure::Failure;
use crate::output;
use crate::table::{Table, short};

#[derive(Serialize)]
struct Shown {
    name: String,
    value: String,
    default: &'static str,
    is_set: bool,
    has_effect: bool,
    description: &'static str,
}

pub(super) fn show(json: bool) -> Result<u8, Failure> {
    let shown: Vec<Shown> = SETTINGS.iter().map(shown).collect();
    if json {
        output::json(&shown)?;
        return Ok(DONE);
    }
    let mut table = Table::new(&["NAME", "VALUE", "", "MEANING"]);
    for setting in shown {
        let origin = match (setting.is_set, setting.has_effect) {
            (_, false) => "no effect yet",
            (true, true) => "set",
            (false, true) => "default",
        };
        table.row(vec![
            setting.name,
            if setting.value.is_empty() { "-".to_owned() } else { short(&setting.value, 60) },
            origin.to_owned(),
            setting.description.to_owned(),
        ]);
    }
    output::line(table.render());
    Ok(DONE)
}

fn shown(info: &SettingInfo) -> Shown {
    let name = format!("{PREFIX}{}", info.name);
    let set =
        std::env::var(&name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let is_set = set.is_some();
    let value = set.map_or_else(|| info.default.to_owned(), |value| without_secret(info.name, &value));
    Shown {
        name,
        value,
        default: info.default,
        is_set,
        has_effect: info.effective,
        description: info.description,
    }
}

fn without_secret(name: &str, value: &str) -> String {
    // Anyone who knows a webhook's address can post to it.
    let secret = name.contains("KEY") || name.contains("SECRET") || name.contains("WEBHOOK_URL");
    if secret { "***".to_owned() } else { without_password(value) }
}

/// A URL with its password, and whatever its query says, hidden. Other text as it is.
pub(super) fn without_password(text: &str) -> String {
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
    fn secrets_are_hidden() {
        assert_eq!(without_secret("API_KEY", "hunter2"), "***");
        assert_eq!(without_secret("WEBHOOK_SECRET", "whsec_x"), "***");
        assert_eq!(without_secret("WEBHOOK_EVENTS", "job.*"), "job.*");
        assert_eq!(without_secret("ALERT_WEBHOOK_URL", "https://hooks.example/secret"), "***");
        for (url, shown) in [
            ("postgres://ada:pass@word@db:5432/x?password=1", "postgres://ada:***@db:5432/x?***"),
            ("redis://:secret@h", "redis://:***@h"),
            ("postgres://ada@db/x", "postgres://ada@db/x"),
            ("sqlite:///var/lib/upnext.db", "sqlite:///var/lib/upnext.db"),
            ("text", "text"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
