//! Images: their size from the header, and a thumbnail if they are small enough to be decoded.

use std::io::{BufReader, Cursor};

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use crate::brief::brief_display;
use crate::window::Window;
use crate::{ImageFacts, ImagePreview, Limits, Thumbnail};

const JPEG_QUALITY: u8 = 82;
const BYTES_PER_PIXEL: u64 = 4;

/// The facts and the thumbnail of an image.
pub(crate) fn image(window: &mut Window<'_>, limits: &Limits) -> Result<ImagePreview, String> {
    let format = format_in(window)?;
    let header = facts_in(window, format, limits)?;
    let facts = header.facts.clone();
    if !fits(&header, limits.pixels) {
        let note = format!(
            "the image has more than {} pixels or too many bytes for each; no thumbnail",
            limits.pixels
        );
        return Ok(ImagePreview { facts, thumbnail: None, note: Some(note) });
    }
    let thumbnail =
        decode(window, format, &header, limits).and_then(|image| thumbnail(&image, format, limits));
    let (thumbnail, note) = match thumbnail {
        Ok(thumbnail) => (Some(thumbnail), None),
        Err(reason) => (None, Some(window.stopped().map_or(reason, |stop| stop.reason(limits)))),
    };
    Ok(ImagePreview { facts, thumbnail, note })
}

/// What the header of an image says.
pub(crate) struct Header {
    pub(crate) facts: ImageFacts,
    orientation: Orientation,
    bytes: u64,
}

/// True when decoding an image takes no more than so many pixels may.
pub(crate) fn fits(header: &Header, pixels: u64) -> bool {
    let ImageFacts { width, height, .. } = header.facts;
    u64::from(width) * u64::from(height) <= pixels && header.bytes <= pixels.saturating_mul(BYTES_PER_PIXEL)
}

/// The format, by the first bytes: what the type says does not help a decoder.
pub(crate) fn format_in(window: &mut Window<'_>) -> Result<ImageFormat, String> {
    let (head, _) = window.peek(64).map_err(|error| error.to_string())?;
    image::guess_format(&head).ok().filter(|format| name_of(*format).is_some()).ok_or_else(|| {
        "the content is not a PNG, JPEG, GIF or WebP image; download it to look at it".to_owned()
    })
}

const fn name_of(format: ImageFormat) -> Option<&'static str> {
    match format {
        ImageFormat::Png => Some("png"),
        ImageFormat::Jpeg => Some("jpeg"),
        ImageFormat::Gif => Some("gif"),
        ImageFormat::WebP => Some("webp"),
        _ => None,
    }
}

fn decoder<'d>(
    window: &'d mut Window<'_>,
    format: ImageFormat,
    limits: &Limits,
) -> Result<impl ImageDecoder + 'd, String> {
    window.again(0);
    let mut reader = ImageReader::with_format(BufReader::new(window), format);
    let mut allowed = image::Limits::no_limits();
    // Decoders keep tables and rows beside the pixels.
    allowed.max_alloc = Some(limits.pixels.saturating_mul(BYTES_PER_PIXEL).saturating_add(16 << 20));
    reader.limits(allowed);
    reader.into_decoder().map_err(|error| damaged(&error))
}

/// Reads the header only.
pub(crate) fn facts_in(
    window: &mut Window<'_>,
    format: ImageFormat,
    limits: &Limits,
) -> Result<Header, String> {
    let mut decoder = decoder(window, format, limits)?;
    let (mut width, mut height) = decoder.dimensions();
    let bytes = decoder.total_bytes();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    if matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    ) {
        std::mem::swap(&mut width, &mut height);
    }
    let format = name_of(format).unwrap_or_default();
    Ok(Header { facts: ImageFacts { format, width, height }, orientation, bytes })
}

/// Decodes an image whose header fits. Of an animation the first frame.
pub(crate) fn decode(
    window: &mut Window<'_>,
    format: ImageFormat,
    header: &Header,
    limits: &Limits,
) -> Result<Turned, String> {
    let decoder = decoder(window, format, limits)?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| damaged(&error))?;
    Ok(Turned { image, orientation: header.orientation })
}

/// An image and how it has to be turned to be seen upright. Turning is cheap once it is small.
pub(crate) struct Turned {
    image: DynamicImage,
    orientation: Orientation,
}

impl Turned {
    pub(crate) fn upright(mut self) -> DynamicImage {
        self.image.apply_orientation(self.orientation);
        self.image
    }
}

fn damaged(error: &image::ImageError) -> String {
    format!("the image cannot be decoded: {}", brief_display(error, 200))
}

/// Makes it small until it fits, also into the answer.
fn thumbnail(source: &Turned, format: ImageFormat, limits: &Limits) -> Result<Thumbnail, String> {
    let mut side = limits.thumbnail_side.max(1);
    loop {
        let thumbnail = shrunk(source, side, format)?;
        if thumbnail.bytes.len() <= limits.output_bytes || side <= 16 {
            return Ok(thumbnail);
        }
        side /= 2;
    }
}

fn shrunk(source: &Turned, side: u32, format: ImageFormat) -> Result<Thumbnail, String> {
    let larger = source.image.width() > side || source.image.height() > side;
    let mut small = if larger { source.image.thumbnail(side, side) } else { source.image.clone() };
    small.apply_orientation(source.orientation);
    let small = eight_bits(&small);
    let (width, height) = (small.width(), small.height());
    let jpeg = if small.color().has_alpha() { None } else { Some(as_jpeg(&small)?) };
    // Photographs are small as JPEG, drawings as PNG. A JPEG is a photograph already.
    let (media_type, bytes) = match jpeg {
        Some(jpeg) if format == ImageFormat::Jpeg => ("image/jpeg", jpeg),
        jpeg => match (as_png(&small)?, jpeg) {
            (png, Some(jpeg)) if jpeg.len() < png.len() => ("image/jpeg", jpeg),
            (png, _) => ("image/png", png),
        },
    };
    Ok(Thumbnail { media_type, width, height, bytes })
}

/// Eight bits a channel, and no transparency where nothing is transparent.
fn eight_bits(image: &DynamicImage) -> DynamicImage {
    if image.color().has_alpha() {
        let rgba = image.to_rgba8();
        if rgba.pixels().any(|pixel| pixel.0[3] != u8::MAX) {
            return rgba.into();
        }
    }
    image.to_rgb8().into()
}

fn as_jpeg(image: &DynamicImage) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    image
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn as_png(image: &DynamicImage) -> Result<Vec<u8>, String> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).map_err(|error| error.to_string())?;
    Ok(bytes.into_inner())
}
