//! Arrow IPC, as stream, file or Feather: the schema, the number of rows, and the first rows.
//!
//! A file is a stream with a mark before it and an index behind it, so both are read as streams. The library checks and
//! decodes messages; `messages` reads them, because the library's readers reserve memory by what a message claims.

mod cell;
mod messages;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::MessageHeader;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_schema::{Schema, SchemaRef};
use serde_json::Value;

use crate::brief::{brief, brief_display};
use crate::shield::shielded;
use crate::table::Rows;
use crate::unpack::Allowance;
use crate::window::Window;
use crate::{Column, Limits, TablePreview};

/// The first rows of a stream or file.
pub(crate) fn table(window: &mut Window<'_>, limits: &Limits) -> Result<TablePreview, String> {
    let mut messages = messages::Messages::open(window)?;
    let first = messages.next(window)?.ok_or_else(|| "the content has no Arrow schema".to_owned())?;
    let header = first.header()?;
    let schema = header
        .header_as_schema()
        .ok_or_else(|| "the content does not begin with an Arrow schema".to_owned())?;
    let schema: SchemaRef = Arc::new(try_fb_to_schema(schema).map_err(|error| brief_display(&error, 200))?);
    messages.skip_body(window, &first)?;
    let mut batches = Batches::new(schema, limits);
    let ended = batches.read_all(&mut messages, window);
    Ok(batches.finish(ended, window, limits))
}

/// What was read of the batches.
struct Batches<'l> {
    limits: &'l Limits,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    allowance: Allowance,
    rows: Rows,
    total_rows: u64,
    /// Why no more rows are decoded. They are still counted.
    note: Option<String>,
}

impl<'l> Batches<'l> {
    fn new(schema: SchemaRef, limits: &'l Limits) -> Self {
        let allowance = Allowance::new(limits.unpacked_bytes, limits.unpacked_bytes / 2);
        let rows = Rows::new(limits);
        Self { limits, schema, dictionaries: HashMap::new(), allowance, rows, total_rows: 0, note: None }
    }

    /// Goes through all messages. Bodies that are not needed are not read.
    fn read_all(&mut self, messages: &mut messages::Messages, window: &mut Window<'_>) -> Result<(), String> {
        while let Some(message) = messages.next(window)? {
            let header = message.header()?;
            let wanted = self.note.is_none() && !self.rows.is_full();
            if let Some(batch) = header.header_as_record_batch() {
                self.total_rows = self.total_rows.saturating_add(u64::try_from(batch.length()).unwrap_or(0));
            }
            messages.skip_body(window, &message)?;
            let decodable = [MessageHeader::RecordBatch, MessageHeader::DictionaryBatch];
            if !wanted || !decodable.contains(&header.header_type()) {
                continue;
            }
            let decoded = shielded(|| self.decode(window, &message));
            if let Err(reason) = decoded {
                self.note = Some(window.stopped().map_or(reason, |stop| stop.reason(self.limits)));
            }
        }
        Ok(())
    }

    fn decode(&mut self, window: &mut Window<'_>, message: &messages::Message) -> Result<(), String> {
        let header = message.header()?;
        let body = message.body(window, &mut self.allowance)?;
        let version = header.version();
        if let Some(dictionary) = header.header_as_dictionary_batch() {
            let data = dictionary.data().ok_or_else(|| "a dictionary is empty".to_owned())?;
            let unpacked = messages::Unpacked::new(&data, body, &mut self.allowance)?;
            return unpacked.with_dictionary(&dictionary, |buffer, batch| {
                read_dictionary(buffer, batch, &self.schema, &mut self.dictionaries, &version)
                    .map_err(|error| brief_display(&error, 200))
            });
        }
        let Some(batch) = header.header_as_record_batch() else { return Ok(()) };
        let unpacked = messages::Unpacked::new(&batch, body, &mut self.allowance)?;
        let decoded = unpacked.with_batch(&batch, |buffer, batch| {
            read_record_batch(buffer, batch, Arc::clone(&self.schema), &self.dictionaries, None, &version)
                .map_err(|error| brief_display(&error, 200))
        })?;
        self.take(&decoded);
        Ok(())
    }

    fn take(&mut self, batch: &RecordBatch) {
        for row in 0..batch.num_rows() {
            if self.rows.is_full() {
                return;
            }
            let cells = batch.columns().iter().take(self.limits.columns);
            let cells: Vec<Value> =
                cells.map(|column| cell::cell(column.as_ref(), row, self.limits.cell_chars)).collect();
            self.rows.push(cells);
        }
    }

    fn finish(self, ended: Result<(), String>, window: &Window<'_>, limits: &Limits) -> TablePreview {
        let columns: Vec<_> = columns(&self.schema, limits);
        let shown_rows = self.rows.len() as u64;
        let total_rows = ended.is_ok().then_some(self.total_rows);
        let broken = ended.err().map(|reason| window.stopped().map_or(reason, |stop| stop.reason(limits)));
        TablePreview {
            format: "arrow",
            total_columns: self.schema.fields().len() as u64,
            total_rows,
            truncated: total_rows != Some(shown_rows) || self.schema.fields().len() > columns.len(),
            columns,
            rows: self.rows.finish(),
            note: self.note.or(broken),
            ..TablePreview::default()
        }
    }
}

fn columns(schema: &Schema, limits: &Limits) -> Vec<Column> {
    schema
        .fields()
        .iter()
        .take(limits.columns)
        .map(|field| Column {
            name: brief(field.name(), limits.cell_chars),
            data_type: brief_display(field.data_type(), limits.cell_chars),
        })
        .collect()
}
