//! Rows as they are gathered, within the room the answer has.

use serde_json::Value;

use crate::Limits;

/// The first rows of a table.
pub(crate) struct Rows {
    rows: Vec<Vec<Value>>,
    limit: usize,
    room: usize,
}

impl Rows {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self { rows: Vec::new(), limit: limits.rows, room: limits.output_bytes }
    }

    /// True when no further row will be taken.
    pub(crate) const fn is_full(&self) -> bool {
        self.room == 0 || self.rows.len() >= self.limit
    }

    /// Takes a row, unless there is no room.
    pub(crate) fn push(&mut self, row: Vec<Value>) {
        if !self.is_full() {
            self.room = self.room.saturating_sub(row.iter().map(size_of_cell).sum());
            self.rows.push(row);
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn finish(self) -> Vec<Vec<Value>> {
        self.rows
    }
}

/// What a cell takes in the answer, roughly.
fn size_of_cell(cell: &Value) -> usize {
    match cell {
        Value::String(text) => text.len() + 3,
        _ => 8,
    }
}

/// Columns of cells, turned into rows. A column that ends early goes on with nulls.
pub(crate) fn rows_of_columns(columns: Vec<Vec<Value>>, limits: &Limits) -> Vec<Vec<Value>> {
    let count = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    let mut rows = Rows::new(limits);
    for _ in 0..count {
        rows.push(columns.iter_mut().map(|cells| cells.next().unwrap_or(Value::Null)).collect());
    }
    rows.finish()
}
