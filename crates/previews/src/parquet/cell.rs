//! Values of Parquet as JSON, or as brief text where JSON has no word for them.

use parquet::basic::{LogicalType, TimeUnit};
use parquet::data_type::Decimal;
use parquet::record::Field;
use parquet::schema::types::Type;
use serde_json::{Number, Value};

use crate::brief::{Brief, brief, brief_display};
use crate::moment;

/// Larger decimals exist only to be expensive: turning them into digits takes the square of their length.
const MAX_DECIMAL_BYTES: usize = 64;
const MAX_DECIMAL_SCALE: i32 = 100;

/// One cell of a row.
pub(super) fn cell(field: &Type, value: &Field, chars: usize) -> Value {
    match (value, field.get_basic_info().logical_type_ref()) {
        // The library knows timestamps of milliseconds and microseconds only.
        (Field::Long(nanos), Some(LogicalType::Timestamp(kind))) if kind.unit == TimeUnit::NANOS => {
            moment::instant(*nanos, 1_000_000_000, kind.is_adjusted_to_u_t_c)
                .map_or_else(|| Value::from(*nanos), Value::String)
        }
        (Field::Str(text), _) => Value::String(brief(text, chars)),
        (Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_), _) => {
            let mut text = Brief::new(chars);
            push(&mut text, value);
            Value::String(text.finish())
        }
        _ => scalar(value, chars),
    }
}

fn scalar(value: &Field, chars: usize) -> Value {
    let float =
        |number: f64| Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number);
    let time = |text: Option<String>, raw: i64| text.map_or_else(|| raw.into(), Value::String);
    match value {
        Field::Bool(value) => (*value).into(),
        Field::Byte(value) => (*value).into(),
        Field::Short(value) => (*value).into(),
        Field::Int(value) => (*value).into(),
        Field::Long(value) => (*value).into(),
        Field::UByte(value) => (*value).into(),
        Field::UShort(value) => (*value).into(),
        Field::UInt(value) => (*value).into(),
        Field::ULong(value) => (*value).into(),
        Field::Float16(value) => float(f64::from(*value)),
        // Through its shortest text, so that 0.1 stays 0.1.
        Field::Float(value) => float(value.to_string().parse().unwrap_or(f64::from(*value))),
        Field::Double(value) => float(*value),
        Field::Decimal(value) => Value::String(decimal(value, chars)),
        Field::Bytes(value) => {
            let mut text = Brief::new(chars);
            text.push_hex(value.data());
            Value::String(text.finish())
        }
        Field::Date(days) => time(moment::date(i64::from(*days)), i64::from(*days)),
        Field::TimeMillis(value) => time(moment::time_of_day(i64::from(*value), 1000), i64::from(*value)),
        Field::TimeMicros(value) => time(moment::time_of_day(*value, 1_000_000), *value),
        Field::TimestampMillis(value) => time(moment::instant(*value, 1000, true), *value),
        Field::TimestampMicros(value) => time(moment::instant(*value, 1_000_000, true), *value),
        _ => Value::Null,
    }
}

fn decimal(value: &Decimal, chars: usize) -> String {
    if value.data().len() > MAX_DECIMAL_BYTES || !(0..=MAX_DECIMAL_SCALE).contains(&value.scale()) {
        let mut text = Brief::new(chars);
        text.push_hex(value.data());
        return text.finish();
    }
    brief_display(&Field::Decimal(value.clone()), chars)
}

/// Adds a value on one line, as far as there is room.
fn push(brief: &mut Brief, value: &Field) -> bool {
    match value {
        Field::Group(row) => {
            brief.push("{")
                && row.get_column_iter().enumerate().all(|(index, (name, value))| {
                    (index == 0 || brief.push(", "))
                        && brief.push_quoted(name)
                        && brief.push(": ")
                        && push(brief, value)
                })
                && brief.push("}")
        }
        Field::ListInternal(list) => {
            brief.push("[")
                && list
                    .elements()
                    .iter()
                    .enumerate()
                    .all(|(index, value)| (index == 0 || brief.push(", ")) && push(brief, value))
                && brief.push("]")
        }
        Field::MapInternal(map) => {
            brief.push("{")
                && map.entries().iter().enumerate().all(|(index, (key, value))| {
                    (index == 0 || brief.push(", "))
                        && push(brief, key)
                        && brief.push(": ")
                        && push(brief, value)
                })
                && brief.push("}")
        }
        Field::Str(text) => brief.push_quoted(text),
        scalar_value => match scalar(scalar_value, 80) {
            Value::String(text) => brief.push_quoted(&text),
            other => brief.push(&other.to_string()),
        },
    }
}
