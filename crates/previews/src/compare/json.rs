//! Two JSON documents, value by value.

use serde_json::{Map, Value};

use crate::brief::Brief;
use crate::json::push_value;
use crate::window::Window;
use crate::{ChangedValue, JsonDifference, Limits, ValueChange};

const PATH_CHARS: usize = 1000;
/// Values between two looks at the clock.
const STEPS_PER_LOOK: u32 = 4096;

/// The values that differ.
pub(super) fn difference(
    old: &mut Window<'_>,
    new: &mut Window<'_>,
    limits: &Limits,
) -> Result<JsonDifference, String> {
    let (old_value, new_value) = (document(old, limits)?, document(new, limits)?);
    let mut walk = Walk {
        limits,
        window: old,
        steps: 0,
        path: String::new(),
        room: limits.output_bytes,
        found: JsonDifference::default(),
    };
    walk.values(&old_value, &new_value);
    Ok(walk.found)
}

fn document(window: &mut Window<'_>, limits: &Limits) -> Result<Value, String> {
    window.again(limits.compared_bytes + 1);
    let bytes = window.head(limits.compared_bytes + 1).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limits.compared_bytes || window.stopped().is_some() {
        return Err(format!(
            "a document has more than {} bytes, so only the beginnings were compared, as text",
            limits.compared_bytes
        ));
    }
    serde_json::from_slice(&bytes).map_err(|error| format!("a document is not JSON: {error}"))
}

/// The way through two documents. It is as deep as the parser lets documents be.
struct Walk<'w, 's> {
    limits: &'w Limits,
    window: &'w mut Window<'s>,
    steps: u32,
    path: String,
    room: usize,
    found: JsonDifference,
}

impl Walk<'_, '_> {
    fn values(&mut self, old: &Value, new: &Value) {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS_PER_LOOK) && self.window.out_of_time() {
            self.found.truncated = true;
        }
        if self.window.stopped().is_some() {
            return;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => self.objects(old, new),
            (Value::Array(old), Value::Array(new)) => self.arrays(old, new),
            (old, new) if old == new => {}
            (old, new) => {
                self.found.changed += 1;
                self.list(|limits| ChangedValue::Changed { old: text(old, limits), new: text(new, limits) });
            }
        }
    }

    fn objects(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        for (key, value) in old {
            self.within(key, |walk| match new.get(key) {
                Some(other) => walk.values(value, other),
                None => walk.removed(value),
            });
        }
        for (key, value) in new {
            if !old.contains_key(key) {
                self.within(key, |walk| walk.added(value));
            }
        }
    }

    fn arrays(&mut self, old: &[Value], new: &[Value]) {
        for index in 0..old.len().max(new.len()) {
            self.within(&index.to_string(), |walk| match (old.get(index), new.get(index)) {
                (Some(old), Some(new)) => walk.values(old, new),
                (Some(old), None) => walk.removed(old),
                (None, Some(new)) => walk.added(new),
                (None, None) => {}
            });
        }
    }

    /// Does something one level deeper. Keys are escaped as RFC 6901 says.
    fn within(&mut self, key: &str, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        work(self);
        self.path.truncate(length);
    }

    fn added(&mut self, value: &Value) {
        self.found.added += 1;
        self.list(|limits| ChangedValue::Added { new: text(value, limits) });
    }

    fn removed(&mut self, value: &Value) {
        self.found.removed += 1;
        self.list(|limits| ChangedValue::Removed { old: text(value, limits) });
    }

    fn list(&mut self, change: impl FnOnce(&Limits) -> ChangedValue) {
        if self.found.changes.len() >= self.limits.changes || self.room == 0 {
            self.found.truncated = true;
            return;
        }
        let path = crate::brief::brief(&self.path, PATH_CHARS);
        let change = change(self.limits);
        let size = match &change {
            ChangedValue::Added { new: text } | ChangedValue::Removed { old: text } => text.len(),
            ChangedValue::Changed { old, new } => old.len() + new.len(),
        };
        self.room = self.room.saturating_sub(path.len() + size + 48);
        self.found.changes.push(ValueChange { path, change });
    }
}

fn text(value: &Value, limits: &Limits) -> String {
    let mut text = Brief::new(limits.cell_chars);
    push_value(&mut text, value);
    text.finish()
}
