//! Parquet: the schema, the number of rows, and the first rows, read column by column.
//!
//! The library decodes values and assembles nested ones. Everything a file can claim (sizes, counts, depths) is looked
//! at here first: `footer` before the library sees the metadata, `pages` before it sees a page.

mod cell;
mod footer;
mod page_header;
mod pages;
mod thrift;

use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::record::reader::TreeBuilder;
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use serde_json::Value;

use crate::brief::{brief, brief_display};
use crate::shield::shielded;
use crate::table::rows_of_columns;
use crate::unpack::Allowance;
use crate::window::Window;
use crate::{Column, Limits, TablePreview};

/// A footer in memory is many times its size on disk.
const MAX_FOOTER_BYTES: u64 = 4 << 20;
/// Writers aim at pages of 1 MiB.
const MAX_PAGE_BYTES: u64 = 8 << 20;

/// The first rows of a Parquet file.
pub(crate) fn table(window: &mut Window<'_>, limits: &Limits) -> Result<TablePreview, String> {
    let metadata = read_metadata(window)?;
    let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
    let shown = &fields[..fields.len().min(limits.columns)];
    let total_rows =
        metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
    let mut allowance = Allowance::new(limits.unpacked_bytes, MAX_PAGE_BYTES);
    let (mut columns, mut cells, mut note) = (Vec::new(), Vec::new(), None);
    for field in shown {
        columns.push(Column {
            name: brief(field.name(), limits.cell_chars),
            data_type: type_name(field, limits.cell_chars),
        });
        let mut values = Vec::new();
        let read = shielded(|| read_column(window, &metadata, field, limits, &mut allowance, &mut values));
        if let Err(reason) = read {
            let reason = window.stopped().map_or(reason, |stop| stop.reason(limits));
            let name = brief(field.name(), limits.cell_chars);
            note.get_or_insert_with(|| {
                format!("the values of the column \"{name}\" are not shown: {reason}")
            });
        }
        cells.push(values);
    }
    let rows = rows_of_columns(cells, limits);
    Ok(TablePreview {
        format: "parquet",
        total_columns: fields.len() as u64,
        total_rows: Some(total_rows),
        truncated: total_rows > rows.len() as u64 || fields.len() > columns.len(),
        columns,
        rows,
        note,
        ..TablePreview::default()
    })
}

fn read_metadata(window: &mut Window<'_>) -> Result<ParquetMetaData, String> {
    let not_parquet = || "the content is not a whole Parquet file; download it to look at it".to_owned();
    let size = window.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
    let tail_start = size.checked_sub(8).ok_or_else(not_parquet)?;
    let tail = window.exactly(tail_start, 8).map_err(|error| error.to_string())?;
    let (length, mark) = tail.split_at(4);
    match mark {
        b"PAR1" => {}
        b"PARE" => return Err("the Parquet file is encrypted; there is nothing to show".to_owned()),
        _ => return Err(not_parquet()),
    }
    let length = length.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    if length > MAX_FOOTER_BYTES {
        return Err(format!(
            "the footer of the Parquet file has {length} bytes, a preview reads up to {MAX_FOOTER_BYTES}; download it"
        ));
    }
    let start = tail_start.checked_sub(length).ok_or_else(not_parquet)?;
    let footer = window.exactly(start, length).map_err(|error| error.to_string())?;
    footer::check(&footer)?;
    ParquetMetaDataReader::decode_metadata(&footer).map_err(|error| brief_display(&error, 200))
}

/// Reads the first values of one column of the table, which may have many columns of its own in the file.
fn read_column(
    window: &mut Window<'_>,
    metadata: &ParquetMetaData,
    field: &TypePtr,
    limits: &Limits,
    allowance: &mut Allowance,
    values: &mut Vec<Value>,
) -> Result<(), String> {
    let root = Type::group_type_builder("root")
        .with_fields(vec![Arc::clone(field)])
        .build()
        .map_err(|error| brief_display(&error, 200))?;
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(root)));
    for group in metadata.row_groups() {
        let wanted = limits.rows.saturating_sub(values.len());
        if wanted == 0 {
            break;
        }
        if group.num_rows() > 0 {
            read_group(window, group, &schema, wanted, allowance, |cell| {
                values.push(cell::cell(field, cell, limits.cell_chars));
            })?;
        }
    }
    Ok(())
}

fn read_group(
    window: &mut Window<'_>,
    group: &RowGroupMetaData,
    schema: &Arc<SchemaDescriptor>,
    wanted: usize,
    allowance: &mut Allowance,
    mut take: impl FnMut(&parquet::record::Field),
) -> Result<(), String> {
    let loaded = pages::load(window, group, schema, wanted, allowance)?;
    let rows = TreeBuilder::new()
        .with_batch_size(wanted)
        .as_iter(Arc::clone(schema), &loaded)
        .map_err(|error| brief_display(&error, 200))?;
    for row in rows.take(wanted) {
        let row = row.map_err(|error| brief_display(&error, 200))?;
        if let Some((_, cell)) = row.get_column_iter().next() {
            take(cell);
        }
    }
    Ok(())
}

/// What a column holds, in the words of the format.
fn type_name(field: &Type, chars: usize) -> String {
    let information = field.get_basic_info();
    let name = match (information.logical_type_ref(), information.converted_type(), field.is_primitive()) {
        (Some(LogicalType::String), _, _) | (None, ConvertedType::UTF8, _) => "string".to_owned(),
        (Some(LogicalType::Timestamp(kind)), _, _) => {
            let zone = if kind.is_adjusted_to_u_t_c { ", utc" } else { "" };
            format!("timestamp({}{zone})", format!("{:?}", kind.unit).to_lowercase())
        }
        (Some(LogicalType::Decimal(kind)), _, _) => format!("decimal({}, {})", kind.precision, kind.scale),
        (Some(LogicalType::Integer(kind)), _, _) => {
            format!("{}int{}", if kind.is_signed { "" } else { "u" }, kind.bit_width)
        }
        (Some(logical), _, _) => {
            let name = format!("{logical:?}").to_lowercase();
            name.split('(').next().unwrap_or_default().to_owned()
        }
        (None, ConvertedType::NONE, true) => field.get_physical_type().to_string().to_lowercase(),
        (None, ConvertedType::NONE, false) => "struct".to_owned(),
        (None, converted, _) => converted.to_string().to_lowercase(),
    };
    brief(&name, chars)
}
