//! Text tables: comma, semicolon, tab or pipe separated values.

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::Value;

use crate::brief::brief;
use crate::table::Rows;
use crate::window::Window;
use crate::{Column, Limits, TablePreview};

const SNIFFED_BYTES: u64 = 64 << 10;
const SNIFFED_ROWS: usize = 20;
/// Rows whose cells decide the type of a column.
const TYPED_ROWS: u64 = 1000;
const DELIMITERS: [u8; 4] = *b",;\t|";

/// The first rows of a text table.
pub(crate) fn table(
    window: &mut Window<'_>,
    limits: &Limits,
    delimiter: Option<u8>,
) -> Result<TablePreview, String> {
    let (head, _) = window.peek(SNIFFED_BYTES).map_err(|error| error.to_string())?;
    let delimiter = delimiter.unwrap_or_else(|| sniff_delimiter(&head));
    let header = has_header(&head, delimiter);
    let mut gathered = Gathered::new(header, limits);
    let mut guard = LineGuard { window, limit: limits.row_bytes, since_line_end: 0, too_long: false };
    read_records(&mut guard, delimiter, &mut gathered)?;
    let too_long = guard.too_long;
    let whole = !too_long && window.stopped().is_none();
    let mut table = gathered.finish(whole, limits);
    table.delimiter = Some(char::from(delimiter));
    table.note = too_long
        .then(|| format!("a row is longer than {} bytes; nothing after it is shown", limits.row_bytes));
    Ok(table)
}

/// Gives each record to `gathered`. The last one is held back: it is only whole if the content ended with it.
fn read_records(
    guard: &mut LineGuard<'_, '_>,
    delimiter: u8,
    gathered: &mut Gathered<'_>,
) -> Result<(), String> {
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(&mut *guard);
    let (mut held, mut next) = (ByteRecord::new(), ByteRecord::new());
    let mut holds = reader.read_byte_record(&mut held).map_err(|error| error.to_string())?;
    while holds {
        let more = reader.read_byte_record(&mut next).map_err(|error| error.to_string())?;
        let ended_early = !more && {
            let guard = reader.get_ref();
            guard.too_long || guard.window.stopped().is_some()
        };
        if !ended_early || gathered.is_empty() {
            gathered.take(&held);
        }
        std::mem::swap(&mut held, &mut next);
        holds = more;
    }
    Ok(())
}

/// Ends the content where a line gets longer than a record may be.
struct LineGuard<'g, 'w> {
    window: &'g mut Window<'w>,
    limit: u64,
    since_line_end: u64,
    too_long: bool,
}

impl Read for LineGuard<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.too_long {
            return Ok(0);
        }
        let count = self.window.read(buffer)?;
        match buffer[..count].iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) {
            Some(end) => self.since_line_end = (count - end - 1) as u64,
            None => self.since_line_end += count as u64,
        }
        self.too_long = self.since_line_end > self.limit;
        Ok(count)
    }
}

/// What was read so far.
struct Gathered<'l> {
    limits: &'l Limits,
    header: bool,
    names: Option<Vec<String>>,
    types: Vec<CellType>,
    rows: Rows,
    records: u64,
    width: usize,
}

impl<'l> Gathered<'l> {
    const fn new(header: bool, limits: &'l Limits) -> Self {
        let rows = Rows::new(limits);
        Self { limits, header, names: None, types: Vec::new(), rows, records: 0, width: 0 }
    }

    const fn is_empty(&self) -> bool {
        self.records == 0 && self.names.is_none()
    }

    fn take(&mut self, record: &ByteRecord) {
        self.width = self.width.max(record.len());
        let shown = record.iter().take(self.limits.columns);
        if self.header && self.names.is_none() {
            self.names = Some(shown.map(|cell| self.brief(cell)).collect());
            return;
        }
        self.records += 1;
        if self.records <= TYPED_ROWS {
            self.types.resize(self.types.len().max(record.len().min(self.limits.columns)), CellType::Empty);
            for (known, cell) in self.types.iter_mut().zip(record.iter()) {
                *known = known.join(CellType::of(cell));
            }
        }
        if !self.rows.is_full() {
            let row = shown.map(|cell| Value::String(self.brief(cell))).collect();
            self.rows.push(row);
        }
    }

    fn brief(&self, cell: &[u8]) -> String {
        // No character is longer than four bytes, so what is beyond cannot be shown.
        let enough = cell.len().min((self.limits.cell_chars + 1) * 4);
        brief(&String::from_utf8_lossy(&cell[..enough]), self.limits.cell_chars)
    }

    fn finish(self, whole: bool, limits: &Limits) -> TablePreview {
        let shown = self.width.min(limits.columns);
        let names = self.names.unwrap_or_default();
        let columns = (0..shown).map(|index| Column {
            name: names.get(index).cloned().unwrap_or_else(|| format!("column {}", index + 1)),
            data_type: self.types.get(index).copied().unwrap_or(CellType::Empty).name().to_owned(),
        });
        let columns: Vec<_> = columns.collect();
        let shown_rows = self.rows.len();
        let mut rows = self.rows.finish();
        for row in &mut rows {
            row.resize(shown, Value::Null);
        }
        TablePreview {
            format: "csv",
            columns,
            rows,
            total_columns: self.width as u64,
            total_rows: whole.then_some(self.records),
            truncated: !whole || self.records > shown_rows as u64 || self.width > shown,
            header: Some(self.header),
            ..TablePreview::default()
        }
    }
}

/// What the cells of a column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CellType {
    Empty,
    Boolean,
    Integer,
    Number,
    Text,
}

impl CellType {
    fn of(cell: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(cell) else { return Self::Text };
        let text = text.trim();
        if text.is_empty() {
            Self::Empty
        } else if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            Self::Boolean
        } else if text.parse::<i64>().is_ok() {
            Self::Integer
        } else if text.parse::<f64>().is_ok() {
            Self::Number
        } else {
            Self::Text
        }
    }

    const fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, known) | (known, Self::Empty) => known,
            (Self::Integer | Self::Number, Self::Integer | Self::Number) => {
                if matches!((self, other), (Self::Integer, Self::Integer)) {
                    Self::Integer
                } else {
                    Self::Number
                }
            }
            (Self::Boolean, Self::Boolean) => Self::Boolean,
            _ => Self::Text,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
        }
    }
}

/// The records a delimiter makes of the head; the last one may be cut and is left out when there are others.
fn sample(head: &[u8], delimiter: u8) -> Vec<ByteRecord> {
    let reader =
        ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(head);
    let mut records: Vec<_> =
        reader.into_byte_records().map_while(Result::ok).take(SNIFFED_ROWS + 1).collect();
    if records.len() > SNIFFED_ROWS || (records.len() > 1 && head.len() as u64 >= SNIFFED_BYTES) {
        records.pop();
    }
    records
}

/// The delimiter that gives the most rows of equal width, then the widest ones.
fn sniff_delimiter(head: &[u8]) -> u8 {
    let score = |delimiter: u8| {
        let records = sample(head, delimiter);
        let width = records.first().map_or(0, ByteRecord::len);
        let alike = records.iter().filter(|record| record.len() == width).count();
        if width < 2 { (0, 0) } else { (alike, width) }
    };
    // The first of equals wins, `max_by_key` takes the last.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}

/// A first line of distinct words that are not values is a line of names.
fn has_header(head: &[u8], delimiter: u8) -> bool {
    let records = sample(head, delimiter);
    let Some(first) = records.first() else { return false };
    let mut seen = std::collections::HashSet::new();
    // An index column written by pandas has no name; it is the only cell that may be empty.
    first.iter().enumerate().all(|(index, cell)| {
        seen.insert(cell) && matches!((CellType::of(cell), index), (CellType::Text, _) | (CellType::Empty, 0))
    }) && first.iter().any(|cell| CellType::of(cell) == CellType::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_makes_equal_rows() {
        assert_eq!(sniff_delimiter(b"a,b\n1,2\n"), b',');
        assert_eq!(sniff_delimiter(b"a;b\n1,5;2,5\n3,0;4\n"), b';');
        assert_eq!(sniff_delimiter(b"a\tb\n1\t2\n"), b'\t');
        assert_eq!(sniff_delimiter(b"a|b\n1|2\n"), b'|');
        assert_eq!(sniff_delimiter(b"alone\n"), b',');
        assert_eq!(sniff_delimiter(b""), b',');
    }

    #[test]
    fn a_line_of_values_is_no_header() {
        assert!(has_header(b"name,age\nx,1\n", b','));
        assert!(has_header(b",age\n0,1\n", b','));
        assert!(!has_header(b"1,2\n3,4\n", b','));
        assert!(!has_header(b"a,a\nb,c\n", b','));
        assert!(!has_header(b"", b','));
    }

    #[test]
    fn a_column_is_as_narrow_as_its_cells_allow() {
        let joined = |cells: &[&str]| {
            cells.iter().fold(CellType::Empty, |known, cell| known.join(CellType::of(cell.as_bytes()))).name()
        };
        assert_eq!(joined(&["1", "", "2"]), "integer");
        assert_eq!(joined(&["1", "2.5"]), "number");
        assert_eq!(joined(&["true", "False"]), "boolean");
        assert_eq!(joined(&["1", "true"]), "text");
        assert_eq!(joined(&["", ""]), "empty");
    }
}
