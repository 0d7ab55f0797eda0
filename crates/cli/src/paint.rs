//! Colours for what people should see first. Who prints leaves them out where they would not be seen.

use anstyle::{AnsiColor, Effects, Style};
use upnext_core::JobStatus;
use upnext_core::backend::LogLevel;

/// What is as it should be.
pub(crate) fn good(text: &str) -> String {
    painted(AnsiColor::Green.on_default(), text)
}

/// What did not work.
pub(crate) fn bad(text: &str) -> String {
    painted(AnsiColor::Red.on_default(), text)
}

/// What somebody may want to look at.
pub(crate) fn warning(text: &str) -> String {
    painted(AnsiColor::Yellow.on_default(), text)
}

/// What is going on.
pub(crate) fn busy(text: &str) -> String {
    painted(AnsiColor::Cyan.on_default(), text)
}

/// What matters less than what is beside it.
pub(crate) fn faint(text: &str) -> String {
    painted(Style::new().effects(Effects::DIMMED), text)
}

/// The word for a status.
pub(crate) fn status(status: JobStatus) -> String {
    let word = status.as_str();
    match status {
        JobStatus::Complete => good(word),
        JobStatus::Failed => bad(word),
        JobStatus::Retrying | JobStatus::Cancelled => warning(word),
        JobStatus::Active => busy(word),
        JobStatus::Pending | JobStatus::Queued => word.to_owned(),
    }
}

/// The word for how an attempt ended.
pub(crate) fn outcome(word: &str) -> String {
    match word {
        "complete" => good(word),
        "active" => busy(word),
        "cancelled" => warning(word),
        _ => bad(word),
    }
}

/// The word for a level, as wide as the widest.
pub(crate) fn level(word: &str) -> String {
    let text = format!("{:<8}", word.to_uppercase());
    match word.parse() {
        Ok(LogLevel::Error | LogLevel::Critical) => bad(&text),
        Ok(LogLevel::Warning) => warning(&text),
        Ok(LogLevel::Debug) => faint(&text),
        _ => text,
    }
}

fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
