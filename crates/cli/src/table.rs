//! Tables for people: columns as wide as they need, two spaces between them. Cells may be painted.

use upnext_core::{Clock as _, SystemClock, Timestamp};

/// Rows of text under a header.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|&title| title.to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table, without a line break at its end.
    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width_of(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| padded(cell, *width)).collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// How many characters a terminal shows of this.
fn width_of(cell: &str) -> usize {
    anstream::adapter::strip_str(cell).to_string().chars().count()
}

fn padded(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(width_of(cell))))
}

/// One line of text without control characters, at most `most` characters long.
pub(crate) fn short(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= most {
        return clean;
    }
    clean.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A moment to the second: `2026-01-31 09:30:00Z`.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string().replace('T', " ");
    text.split_once('.').map_or_else(|| text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// How long ago a moment was, or how far ahead it is; after a month the moment itself.
pub(crate) fn ago(at: Timestamp) -> String {
    relative(at, SystemClock.now())
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let (distance, ahead) = if at > now { (at.since(now), true) } else { (now.since(at), false) };
    let text = match distance.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds @ 172_800..2_592_000 => format!("{} days", seconds / 86_400),
        _ => return moment(at),
    };
    if ahead { format!("in {text}") } else { format!("{text} ago") }
}

/// A moment with how long ago it was.
pub(crate) fn moment_ago(at: Timestamp) -> String {
    format!("{} ({})", moment(at), ago(at))
}

/// A number, or a dash.
pub(crate) fn maybe<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), show)
}

/// A time in milliseconds, as people say it.
pub(crate) fn span(millis: f64) -> String {
    match millis {
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms if ms < 60_000.0 => format!("{:.1} s", ms / 1000.0),
        ms if ms < 3_600_000.0 => format!("{:.1} min", ms / 60_000.0),
        ms => format!("{:.1} h", ms / 3_600_000.0),
    }
}

/// A size, as people say it.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let mut table = Table::new(&["KEY", "N"]);
        table.row(vec!["größe".into(), "1".into()]);
        table.row(vec!["a".into(), String::new()]);
        assert_eq!(table.render(), "KEY    N\ngröße  1\na");
    }

    #[test]
    fn paint_takes_no_room() {
        let mut table = Table::new(&["STATUS", "N"]);
        table.row(vec![crate::paint::bad("failed"), "1".into()]);
        table.row(vec!["complete".into(), "2".into()]);
        let plain = anstream::adapter::strip_str(&table.render()).to_string();
        assert_eq!(plain, "STATUS    N\nfailed    1\ncomplete  2");
    }

    #[test]
    fn moments_are_told_from_now() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let now = at(10_000_000);
        for (seconds, text) in [
            (10_000_000, "0 s ago"),
            (9_999_941, "59 s ago"),
            (9_999_940, "1 min ago"),
            (9_990_000, "2 h ago"),
            (9_000_000, "11 days ago"),
            (10_000_090, "in 1 min"),
            (0, "1970-01-01 00:00:00Z"),
        ] {
            assert_eq!(relative(at(seconds), now), text);
        }
    }

    #[test]
    fn values_are_short_and_harmless() {
        assert_eq!(short("a\x1b[31mb\nc", 20), "a [31mb c");
        assert_eq!(short("abcdef", 4), "abc…");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(span(90_000.0), "1.5 min");
        assert_eq!(
            moment(upnext_core::Timestamp::from_micros(1_769_851_800_000_123)),
            "2026-01-31 09:30:00Z"
        );
    }
}
