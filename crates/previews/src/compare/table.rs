//! Two tables, by their columns and numbers of rows.

use std::collections::HashMap;

use crate::kind::Kind;
use crate::window::Window;
use crate::{Column, Limits, Preview, RetypedColumn, TableDifference, TablePreview};
use crate::{arrow, delimited, json, parquet};

/// Comparing columns costs no room in the answer unless they differ.
const COMPARED_COLUMNS: usize = 5000;

/// The columns that differ, and how many rows there are.
pub(super) fn difference(
    kinds: (Kind, Kind),
    old: &mut Window<'_>,
    new: &mut Window<'_>,
    limits: &Limits,
) -> Result<TableDifference, String> {
    // Rows are only read where types are guessed from them.
    let limits = Limits { columns: COMPARED_COLUMNS, rows: 1, ..limits.clone() };
    let (old, new) = (table(kinds.0, old, &limits)?, table(kinds.1, new, &limits)?);
    let mut difference = TableDifference {
        old_rows: old.total_rows,
        new_rows: new.total_rows,
        truncated: old.total_columns.max(new.total_columns) > COMPARED_COLUMNS as u64,
        ..TableDifference::default()
    };
    let mut unmatched: HashMap<&str, Vec<&Column>> = HashMap::new();
    for column in old.columns.iter().rev() {
        unmatched.entry(&column.name).or_default().push(column);
    }
    // Each format has its own names for types.
    let comparable = old.format == new.format;
    let mut room = limits.changes;
    for column in &new.columns {
        match unmatched.get_mut(column.name.as_str()).and_then(Vec::pop) {
            None => note(&mut room, &mut difference.columns_added, column.clone()),
            Some(before) if comparable && before.data_type != column.data_type => {
                let (name, old, new) =
                    (column.name.clone(), before.data_type.clone(), column.data_type.clone());
                note(&mut room, &mut difference.columns_retyped, RetypedColumn { name, old, new });
            }
            Some(_) => {}
        }
    }
    let mut removed: Vec<_> = unmatched.into_values().flatten().collect();
    removed.sort_by_key(|column| old.columns.iter().position(|known| std::ptr::eq(known, *column)));
    for column in removed {
        note(&mut room, &mut difference.columns_removed, column.clone());
    }
    difference.truncated |= room == 0;
    Ok(difference)
}

fn note<T>(room: &mut usize, list: &mut Vec<T>, item: T) {
    if *room > 0 {
        *room -= 1;
        list.push(item);
    }
}

fn table(kind: Kind, window: &mut Window<'_>, limits: &Limits) -> Result<TablePreview, String> {
    window.again(0);
    match kind {
        Kind::Delimited(delimiter) => delimited::table(window, limits, delimiter),
        Kind::Parquet => parquet::table(window, limits),
        Kind::Arrow => arrow::table(window, limits),
        _ => match json::lines(window, limits)? {
            Preview::Table(table) => Ok(table),
            _ => Err("the lines of JSON do not make a table".to_owned()),
        },
    }
}
