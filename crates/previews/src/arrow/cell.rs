//! Values of Arrow as JSON, or as brief text where JSON has no word for them.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Number, Value};

use crate::brief::{Brief, brief, brief_display};
use crate::moment;

/// One cell of a row.
pub(super) fn cell(array: &dyn Array, row: usize, chars: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    scalar(array, row, chars).unwrap_or_else(|| {
        let mut text = Brief::new(chars);
        push(&mut text, array, row);
        Value::String(text.finish())
    })
}

/// The value if it is not nested.
fn scalar(array: &dyn Array, row: usize, chars: usize) -> Option<Value> {
    Some(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float16 => float(f64::from(array.as_primitive::<Float16Type>().value(row))),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            // Through its shortest text, so that 0.1 stays 0.1.
            float(value.to_string().parse().unwrap_or(f64::from(value)))
        }
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => brief(array.as_string::<i32>().value(row), chars).into(),
        DataType::LargeUtf8 => brief(array.as_string::<i64>().value(row), chars).into(),
        DataType::Utf8View => brief(array.as_string_view().value(row), chars).into(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row), chars),
        DataType::LargeBinary => hex(array.as_binary::<i64>().value(row), chars),
        DataType::BinaryView => hex(array.as_binary_view().value(row), chars),
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row), chars),
        DataType::Decimal32(..) => array.as_primitive::<Decimal32Type>().value_as_string(row).into(),
        DataType::Decimal64(..) => array.as_primitive::<Decimal64Type>().value_as_string(row).into(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row).into(),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = scalar(dictionary.keys(), row, chars)?;
            let key = key.as_u64().and_then(|key| usize::try_from(key).ok())?;
            if key >= dictionary.values().len() {
                return None;
            }
            cell(dictionary.values().as_ref(), key, chars)
        }
        _ => return time(array, row),
    })
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

fn hex(bytes: &[u8], chars: usize) -> Value {
    let mut text = Brief::new(chars);
    text.push_hex(bytes);
    text.finish().into()
}

/// The value if it is a time. One outside the calendar is given as its number.
fn time(array: &dyn Array, row: usize) -> Option<Value> {
    let or_number = |text: Option<String>, number: i64| text.map_or_else(|| number.into(), Value::String);
    Some(match array.data_type() {
        DataType::Date32 => {
            let days = i64::from(array.as_primitive::<Date32Type>().value(row));
            or_number(moment::date(days), days)
        }
        DataType::Date64 => {
            let millis = array.as_primitive::<Date64Type>().value(row);
            or_number(moment::date(millis.div_euclid(86_400_000)), millis)
        }
        DataType::Time32(TimeUnit::Second) => {
            let value = i64::from(array.as_primitive::<Time32SecondType>().value(row));
            or_number(moment::time_of_day(value, 1), value)
        }
        DataType::Time32(_) => {
            let value = i64::from(array.as_primitive::<Time32MillisecondType>().value(row));
            or_number(moment::time_of_day(value, 1000), value)
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            let value = array.as_primitive::<Time64MicrosecondType>().value(row);
            or_number(moment::time_of_day(value, 1_000_000), value)
        }
        DataType::Time64(_) => {
            let value = array.as_primitive::<Time64NanosecondType>().value(row);
            or_number(moment::time_of_day(value, 1_000_000_000), value)
        }
        DataType::Timestamp(unit, zone) => {
            let (value, units) = match unit {
                TimeUnit::Second => (array.as_primitive::<TimestampSecondType>().value(row), 1),
                TimeUnit::Millisecond => (array.as_primitive::<TimestampMillisecondType>().value(row), 1000),
                TimeUnit::Microsecond => {
                    (array.as_primitive::<TimestampMicrosecondType>().value(row), 1_000_000)
                }
                TimeUnit::Nanosecond => {
                    (array.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000_000)
                }
            };
            or_number(moment::instant(value, units, zone.is_some()), value)
        }
        _ => return None,
    })
}

/// Adds a value on one line, as far as there is room.
fn push(brief: &mut Brief, array: &dyn Array, row: usize) -> bool {
    if brief.is_cut() {
        return false;
    }
    if array.is_null(row) {
        return brief.push("null");
    }
    match array.data_type() {
        DataType::List(_) => push_list(brief, &array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => push_list(brief, &array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => push_list(brief, &array.as_fixed_size_list().value(row)),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            brief.push("{")
                && (0..entries.len()).all(|index| {
                    (index == 0 || brief.push(", "))
                        && push(brief, keys.as_ref(), index)
                        && brief.push(": ")
                        && push(brief, values.as_ref(), index)
                })
                && brief.push("}")
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            brief.push("{")
                && fields.iter().zip(columns).enumerate().all(|(index, (field, column))| {
                    (index == 0 || brief.push(", "))
                        && brief.push_quoted(field.name())
                        && brief.push(": ")
                        && push(brief, column.as_ref(), row)
                })
                && brief.push("}")
        }
        other => match scalar(array, row, 80) {
            Some(Value::String(text)) => brief.push_quoted(&text),
            Some(value) => brief.push(&value.to_string()),
            // Unions, runs, intervals: told by their type.
            None => brief.push(&format!("({})", brief_display(other, 40))),
        },
    }
}

fn push_list(brief: &mut Brief, items: &ArrayRef) -> bool {
    brief.push("[")
        && (0..items.len())
            .all(|index| (index == 0 || brief.push(", ")) && push(brief, items.as_ref(), index))
        && brief.push("]")
}
