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
    let value = set.map_or_else(|| info.default.to_owned(), |value| info.fit_to_be_shown(&value));
    Shown {
        name,
        value,
        default: info.default,
        is_set,
        has_effect: info.effective,
        description: info.description,
    }
}
