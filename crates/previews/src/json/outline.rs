//! The outline of a JSON document, made while it streams past: nothing but the outline is kept.

use std::cell::Cell;
use std::fmt;
use std::io::BufReader;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::not_json;
use crate::brief::brief;
use crate::window::Window;
use crate::{Limits, Member, Outline};

const BUFFER_BYTES: usize = 64 << 10;
/// serde_json refuses 128 levels; what is below an outline is skipped without levels.
const MAX_DEPTH: usize = 100;
/// What a node takes in the answer beside its text, roughly.
const NODE_BYTES: usize = 48;

/// The outline of the document in a window, and whether the window ended before the document did.
pub(super) fn outline(window: &mut Window<'_>, limits: &Limits) -> Result<(Outline, bool), String> {
    let room = Room::new(limits);
    let mut node = Outline::Null;
    let reader = BufReader::with_capacity(BUFFER_BYTES, &mut *window);
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = Seed::new(&mut node, &room).deserialize(&mut json).and_then(|()| json.end());
    drop(json);
    match read {
        Ok(()) => Ok((node, window.stopped().is_some())),
        Err(_) if window.stopped().is_some() => Ok((node, true)),
        Err(error) => Err(not_json(&error)),
    }
}

/// The outline of a value in memory.
pub(crate) fn outline_of_value(value: &Value, limits: &Limits) -> Outline {
    let mut node = Outline::Null;
    // A value that is already there cannot fail to be read.
    let _ = Seed::new(&mut node, &Room::new(limits)).deserialize(value);
    node
}

/// What is left of the answer.
struct Room<'l> {
    limits: &'l Limits,
    left: Cell<usize>,
}

impl<'l> Room<'l> {
    const fn new(limits: &'l Limits) -> Self {
        Self { limits, left: Cell::new(limits.output_bytes) }
    }

    fn spend(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_sub(bytes));
    }

    fn brief(&self, text: &str) -> String {
        let brief = brief(text, self.limits.cell_chars);
        self.spend(brief.len());
        brief
    }
}

/// Describes the value that comes next in `node`. On an error the node holds what was described until then.
struct Seed<'n, 'l> {
    node: &'n mut Outline,
    room: &'n Room<'l>,
    depth: usize,
}

impl<'n, 'l> Seed<'n, 'l> {
    fn new(node: &'n mut Outline, room: &'n Room<'l>) -> Self {
        Self { node, room, depth: room.limits.depth.min(MAX_DEPTH) }
    }

    /// True when a node may have one more child.
    fn takes_child(&self, children: usize) -> bool {
        self.depth > 1 && children < self.room.limits.entries && self.room.left.get() > 0
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.room.spend(NODE_BYTES);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self.node = Outline::Boolean { value };
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        *self.node = Outline::Number { value: value.into() };
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        *self.node = Outline::Number { value: value.into() };
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        if let Some(value) = serde_json::Number::from_f64(value) {
            *self.node = Outline::Number { value };
        }
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        *self.node = Outline::String { value: self.room.brief(value), length: value.chars().count() as u64 };
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let (mut items, mut length) = (Vec::new(), 0);
        let end = loop {
            let step = if self.takes_child(items.len()) {
                let mut item = Outline::Null;
                let seed = Seed { node: &mut item, room: self.room, depth: self.depth - 1 };
                let step = sequence.next_element_seed(seed);
                // An item that was begun is kept even if its end never came.
                if matches!(step, Ok(Some(()))) || (step.is_err() && item != Outline::Null) {
                    items.push(item);
                }
                step
            } else {
                sequence.next_element::<IgnoredAny>().map(|item| item.map(drop))
            };
            match step {
                Ok(Some(())) => length += 1,
                end => break end,
            }
        };
        let length = length.max(items.len() as u64);
        *self.node = Outline::Array { length, complete: end.is_ok(), items };
        end.map(drop)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut members, mut length) = (Vec::new(), 0);
        let end = loop {
            let step = if self.takes_child(members.len()) {
                match map.next_key::<String>() {
                    Ok(Some(key)) => {
                        let mut value = Outline::Null;
                        let seed = Seed { node: &mut value, room: self.room, depth: self.depth - 1 };
                        let step = map.next_value_seed(seed).map(Some);
                        members.push(Member { key: self.room.brief(&key), value });
                        step
                    }
                    Ok(None) => Ok(None),
                    Err(error) => Err(error),
                }
            } else {
                map.next_entry::<IgnoredAny, IgnoredAny>().map(|entry| entry.map(drop))
            };
            match step {
                Ok(Some(())) => length += 1,
                end => break end,
            }
        };
        let length = length.max(members.len() as u64);
        *self.node = Outline::Object { length, complete: end.is_ok(), members };
        end.map(drop)
    }
}
