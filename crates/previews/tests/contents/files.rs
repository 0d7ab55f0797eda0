//! Makes the files that several tests look at.

use std::io::{Cursor, Write};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, TimestampMillisecondArray, types::Int32Type,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type as PhysicalInt32, Int64Type as PhysicalInt64};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

pub(crate) fn batch(rows: i32) -> RecordBatch {
    let numbers: ArrayRef =
        Arc::new(Int32Array::from_iter((0..rows).map(|row| (row % 3 != 2).then_some(row))));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("text {row}"))));
    let words: ArrayRef = Arc::new(
        (0..rows).map(|row| ["red", "blue"][row as usize % 2]).collect::<DictionaryArray<Int32Type>>(),
    );
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..rows).map(|row| Some(vec![Some(row), None])),
    ));
    RecordBatch::try_from_iter([
        ("number", numbers),
        ("text", texts),
        ("word", words),
        ("list", lists),
        (
            "float",
            Arc::new(Float64Array::from_iter_values((0..rows).map(|row| f64::from(row) / 2.0))) as ArrayRef,
        ),
        ("truth", Arc::new(BooleanArray::from_iter((0..rows).map(|row| Some(row % 2 == 0)))) as ArrayRef),
        ("day", Arc::new(Date32Array::from_iter_values((0..rows).map(|row| 19_000 + row))) as ArrayRef),
        (
            "moment",
            Arc::new(
                TimestampMillisecondArray::from_iter_values((0..i64::from(rows)).map(|row| row * 1000))
                    .with_timezone("UTC"),
            ) as ArrayRef,
        ),
        (
            "big",
            Arc::new(Int64Array::from_iter_values((0..i64::from(rows)).map(|row| i64::MAX - row)))
                as ArrayRef,
        ),
    ])
    .unwrap()
}

fn options(packed: bool) -> IpcWriteOptions {
    IpcWriteOptions::default().try_with_compression(packed.then_some(CompressionType::LZ4_FRAME)).unwrap()
}

pub(crate) fn arrow_stream(batches: &[RecordBatch], packed: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer =
        StreamWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options(packed)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    bytes
}

pub(crate) fn arrow_file(batches: &[RecordBatch], packed: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer =
        FileWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options(packed)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    bytes
}

/// Two row groups with a required, an optional, a text and a repeated column each.
pub(crate) fn parquet_file(rows: usize, compression: Compression, version: WriterVersion) -> Vec<u8> {
    let schema = "message table {
        required int64 id;
        optional int32 day (DATE);
        optional binary word (UTF8);
        required int64 moment (TIMESTAMP(NANOS, true));
        optional group numbers (LIST) { repeated group list { required int32 element; } }
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties =
        WriterProperties::builder().set_compression(compression).set_writer_version(version).build();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    for _ in 0..2 {
        let mut group = file.next_row_group().unwrap();
        let ids: Vec<i64> = (0..rows as i64).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<PhysicalInt64>().write_batch(&ids, None, None).unwrap();
        column.close().unwrap();

        let days: Vec<i32> = (0..rows as i32).filter(|row| row % 2 == 0).map(|row| 19_000 + row).collect();
        let present: Vec<i16> = (0..rows).map(|row| i16::from(row % 2 == 0)).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<PhysicalInt32>().write_batch(&days, Some(&present), None).unwrap();
        column.close().unwrap();

        let words: Vec<ByteArray> = (0..rows).map(|row| ByteArray::from(["red", "blue"][row % 2])).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&words, Some(&vec![1; rows]), None).unwrap();
        column.close().unwrap();

        let moments: Vec<i64> = (0..rows as i64).map(|row| row * 1_000_000_000 + 1).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<PhysicalInt64>().write_batch(&moments, None, None).unwrap();
        column.close().unwrap();

        let numbers: Vec<i32> = (0..rows as i32).flat_map(|row| [row, row + 1]).collect();
        let mut column = group.next_column().unwrap().unwrap();
        let repetition: Vec<i16> = [0, 1].repeat(rows);
        column
            .typed::<PhysicalInt32>()
            .write_batch(&numbers, Some(&vec![2; rows * 2]), Some(&repetition))
            .unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    file.close().unwrap();
    bytes
}

pub(crate) fn picture(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| Rgba([(x % 256) as u8, (y % 256) as u8, 128, 255]))
}

pub(crate) fn image_file(image: RgbaImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::from(image);
    let image = if format == ImageFormat::Jpeg { image.to_rgb8().into() } else { image };
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn zip_file(entries: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.add_directory("data/", options).unwrap();
    for entry in 0..entries {
        zip.start_file(format!("data/{entry}.txt"), options).unwrap();
        zip.write_all(b"content").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn tar_file(entries: usize) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for entry in 0..entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(7);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("data/{entry}.txt"), &b"content"[..]).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
