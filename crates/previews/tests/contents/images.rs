//! Images.

use image::ImageFormat;
use upnext_previews::{ImagePreview, Limits, Preview};

use crate::files::{image_file, picture};
use crate::{show, show_within};

fn image(preview: Preview) -> ImagePreview {
    let Preview::Image(image) = preview else { panic!("an image, not {preview:?}") };
    image
}

#[test]
fn every_format_gets_a_thumbnail() {
    for (format, name) in [
        (ImageFormat::Png, "png"),
        (ImageFormat::Jpeg, "jpeg"),
        (ImageFormat::Gif, "gif"),
        (ImageFormat::WebP, "webp"),
    ] {
        let image = image(show("image/png", "a", &image_file(picture(1000, 500), format)));
        assert_eq!((image.facts.format, image.facts.width, image.facts.height), (name, 1000, 500));
        let thumbnail = image.thumbnail.unwrap();
        assert_eq!((thumbnail.width, thumbnail.height), (512, 256));
        let decoded = image::load_from_memory(&thumbnail.bytes).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (512, 256));
    }
}

#[test]
fn a_small_image_is_not_made_larger() {
    let image = image(show("image/png", "a", &image_file(picture(20, 10), ImageFormat::Png)));
    let thumbnail = image.thumbnail.unwrap();
    assert_eq!((thumbnail.width, thumbnail.height), (20, 10));
}

#[test]
fn transparency_stays() {
    let mut transparent = picture(20, 10);
    transparent.get_pixel_mut(0, 0).0[3] = 0;
    let image = image(show("image/png", "a", &image_file(transparent, ImageFormat::Png)));
    let thumbnail = image.thumbnail.unwrap();
    assert_eq!(thumbnail.media_type, "image/png");
    assert_eq!(image::load_from_memory(&thumbnail.bytes).unwrap().to_rgba8().get_pixel(0, 0).0[3], 0);
}

#[test]
fn a_photograph_stands_upright() {
    let jpeg = image_file(picture(40, 20), ImageFormat::Jpeg);
    // An Exif segment with one entry: orientation 6, to be turned by a quarter.
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let length = (exif.len() as u16 + 2).to_be_bytes();
    let turned = [&jpeg[..2], &[0xff, 0xe1], &length, exif, &jpeg[2..]].concat();
    let image = image(show("image/jpeg", "a", &turned));
    assert_eq!((image.facts.width, image.facts.height), (20, 40));
    let thumbnail = image.thumbnail.unwrap();
    assert_eq!((thumbnail.width, thumbnail.height), (20, 40));
}

#[test]
fn an_image_with_too_many_pixels_shows_its_size_only() {
    let limits = Limits { pixels: 1000, ..Limits::default() };
    let image =
        image(show_within(&limits, "image/png", "a", &image_file(picture(100, 100), ImageFormat::Png)));
    assert_eq!((image.facts.width, image.thumbnail.is_none()), (100, true));
    assert!(image.note.unwrap().contains("1000 pixels"));
}

#[test]
fn a_thumbnail_fits_into_the_answer() {
    let limits = Limits { output_bytes: 3000, ..Limits::default() };
    let mut seed = 1_u32;
    let noise = image::RgbaImage::from_fn(600, 600, |_, _| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgba([(seed >> 8) as u8, (seed >> 16) as u8, (seed >> 24) as u8, 255])
    });
    let image = image(show_within(&limits, "image/png", "a", &image_file(noise, ImageFormat::Png)));
    assert!(image.thumbnail.unwrap().bytes.len() <= 3000);
}

#[test]
fn a_damaged_image_shows_what_its_header_says() {
    let bytes = image_file(picture(100, 100), ImageFormat::Png);
    let image = image(show("image/png", "a", &bytes[..bytes.len() / 2]));
    assert_eq!((image.facts.width, image.thumbnail.is_none()), (100, true));
    assert!(image.note.unwrap().contains("cannot be decoded"));
}

#[test]
fn what_is_not_an_image_says_so() {
    assert!(matches!(show("image/png", "a.png", b"no image"), Preview::None { .. }));
    // A format that is not among the four is not tried.
    assert!(matches!(show("image/png", "a.png", b"BM\x00\x00\x00\x00"), Preview::None { .. }));
}

#[test]
fn a_thumbnail_is_base64_in_json() {
    let image = show("image/png", "a", &image_file(picture(2, 2), ImageFormat::Png));
    let json = serde_json::to_value(image).unwrap();
    assert_eq!((json["kind"].as_str(), json["width"].as_u64()), (Some("image"), Some(2)));
    assert!(json["thumbnail"]["bytes"].as_str().unwrap().starts_with("iVBOR"));
}
