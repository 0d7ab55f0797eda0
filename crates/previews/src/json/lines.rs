//! JSON lines: a table when the lines are objects that share keys, else a list.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::{Map, Value};

use super::{not_json, outline_of_value, push_value};
use crate::brief::{Brief, brief};
use crate::table::Rows;
use crate::window::Window;
use crate::{Column, JsonPreview, Limits, Outline, Preview, TablePreview};

/// The first lines.
pub(crate) fn lines(window: &mut Window<'_>, limits: &Limits) -> Result<Preview, String> {
    let head = read(window, limits)?;
    let objects: Option<Vec<_>> = head.values.iter().map(Value::as_object).collect();
    Ok(match objects.filter(|objects| share_keys(objects)) {
        Some(objects) => Preview::Table(table(&objects, &head, limits)),
        None => Preview::Json(list(&head, limits)),
    })
}

struct Head {
    values: Vec<Value>,
    /// Lines that hold something, as far as they were read.
    count: u64,
    whole: bool,
}

fn read(window: &mut Window<'_>, limits: &Limits) -> Result<Head, String> {
    let mut reader = BufReader::with_capacity(64 << 10, &mut *window);
    let (mut head, mut line) = (Head { values: Vec::new(), count: 0, whole: true }, Vec::new());
    // The values of large lines are large too; together they take no more than one line may.
    let mut room = limits.row_bytes;
    while let Some(ended) =
        next_line(&mut reader, &mut line, limits.row_bytes).map_err(|error| error.to_string())?
    {
        if !ended && (line.len() as u64 > limits.row_bytes || reader.get_ref().stopped().is_some()) {
            head.whole = false;
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        head.count += 1;
        if head.values.len() < limits.rows && room > 0 {
            room = room.saturating_sub(line.len() as u64);
            // Record separators stand before each text of a JSON sequence.
            let text = line.strip_prefix(b"\x1e").unwrap_or(&line);
            head.values.push(serde_json::from_slice(text).map_err(|error| not_json(&error))?);
        }
    }
    head.whole &= window.stopped().is_none();
    Ok(head)
}

/// Reads a line of at most `limit` bytes and one more. None at the end; else whether the line's end was found.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>, limit: u64) -> io::Result<Option<bool>> {
    line.clear();
    let count = reader.by_ref().take(limit + 1).read_until(b'\n', line)?;
    Ok((count > 0).then(|| line.ends_with(b"\n")))
}

/// True when some key is in all of them.
fn share_keys(objects: &[&Map<String, Value>]) -> bool {
    objects
        .first()
        .is_some_and(|first| first.keys().any(|key| objects.iter().all(|object| object.contains_key(key))))
}

fn table(objects: &[&Map<String, Value>], head: &Head, limits: &Limits) -> TablePreview {
    let mut keys: Vec<&String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for key in objects.iter().flat_map(|object| object.keys()) {
        if seen.insert(key) {
            keys.push(key);
        }
    }
    let total_columns = keys.len();
    keys.truncate(limits.columns);
    let mut rows = Rows::new(limits);
    for object in objects {
        rows.push(
            keys.iter()
                .map(|key| object.get(*key).map_or(Value::Null, |value| cell(value, limits)))
                .collect(),
        );
    }
    let column = |key: &&String| Column {
        name: brief(key, limits.cell_chars),
        data_type: data_type(objects.iter().filter_map(|object| object.get(*key))).to_owned(),
    };
    let columns = keys.iter().map(column).collect();
    TablePreview {
        format: "json_lines",
        columns,
        truncated: !head.whole || head.count > rows.len() as u64 || total_columns > keys.len(),
        rows: rows.finish(),
        total_columns: total_columns as u64,
        total_rows: head.whole.then_some(head.count),
        ..TablePreview::default()
    }
}

/// A value that fits into a cell: nested ones become brief text.
fn cell(value: &Value, limits: &Limits) -> Value {
    match value {
        Value::String(text) => Value::String(brief(text, limits.cell_chars)),
        Value::Array(_) | Value::Object(_) => {
            let mut text = Brief::new(limits.cell_chars);
            push_value(&mut text, value);
            Value::String(text.finish())
        }
        scalar => scalar.clone(),
    }
}

/// The type all values have that are not null, if there is one.
fn data_type<'v>(values: impl Iterator<Item = &'v Value>) -> &'static str {
    let mut types = values.filter(|value| !value.is_null()).map(|value| match value {
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        _ => "object",
    });
    let Some(first) = types.next() else { return "null" };
    types.fold(first, |known, next| match (known, next) {
        (known, next) if known == next => known,
        ("integer" | "number", "integer" | "number") => "number",
        _ => "mixed",
    })
}

fn list(head: &Head, limits: &Limits) -> JsonPreview {
    let mut room = limits.output_bytes;
    let mut items = Vec::new();
    for value in &head.values {
        let shares = Limits { output_bytes: room.min(limits.output_bytes / 8), ..limits.clone() };
        let item = outline_of_value(value, &shares);
        room = room.saturating_sub(size_of_outline(&item));
        items.push(item);
        if room == 0 {
            break;
        }
    }
    let truncated = !head.whole || head.count > items.len() as u64;
    let outline = Outline::Array { length: head.count, complete: head.whole, items };
    JsonPreview { text: None, outline: Some(outline), truncated }
}

fn size_of_outline(outline: &Outline) -> usize {
    48 + match outline {
        Outline::String { value, .. } => value.len(),
        Outline::Array { items, .. } => items.iter().map(size_of_outline).sum(),
        Outline::Object { members, .. } => {
            members.iter().map(|member| member.key.len() + size_of_outline(&member.value)).sum()
        }
        _ => 0,
    }
}
