//! Two images: what they are, and how many of their pixels differ.

use image::{ImageFormat, RgbaImage};

use crate::picture::{self, Header};
use crate::window::Window;
use crate::{ImageDifference, Limits};

/// Facts of both, and the share of differing pixels if the sizes are equal.
pub(super) fn difference(
    old: &mut Window<'_>,
    new: &mut Window<'_>,
    limits: &Limits,
) -> Result<ImageDifference, String> {
    // Both are in memory at once, each in its own form and in the common one.
    let halved = Limits { pixels: limits.pixels / 3, ..limits.clone() };
    let (mut old, mut new) = (Opened::new(old, &halved)?, Opened::new(new, &halved)?);
    let share = differing_share(&mut old, &mut new, &halved);
    let (differing_share, note) = match share {
        Ok(share) => (Some(share), None),
        Err(reason) => (None, Some(reason)),
    };
    Ok(ImageDifference { old: old.header.facts, new: new.header.facts, differing_share, note })
}

/// An image whose header was read.
struct Opened<'a, 'w> {
    window: &'a mut Window<'w>,
    format: ImageFormat,
    header: Header,
}

impl<'a, 'w> Opened<'a, 'w> {
    fn new(window: &'a mut Window<'w>, limits: &Limits) -> Result<Self, String> {
        let format = picture::format_in(window)?;
        let header = picture::facts_in(window, format, limits)?;
        Ok(Self { window, format, header })
    }

    fn size(&self) -> (u32, u32) {
        (self.header.facts.width, self.header.facts.height)
    }

    fn pixels(&mut self, limits: &Limits) -> Result<RgbaImage, String> {
        let image = picture::decode(self.window, self.format, &self.header, limits)?;
        Ok(image.upright().into_rgba8())
    }
}

fn differing_share(
    old: &mut Opened<'_, '_>,
    new: &mut Opened<'_, '_>,
    limits: &Limits,
) -> Result<f64, String> {
    if old.size() != new.size() {
        return Err("the images have different sizes, so their pixels were not compared".to_owned());
    }
    if !picture::fits(&old.header, limits.pixels) || !picture::fits(&new.header, limits.pixels) {
        return Err(format!("the images have more than {} pixels, which were not compared", limits.pixels));
    }
    let (old, new) = (old.pixels(limits)?, new.pixels(limits)?);
    let pixels = old.pixels().len();
    let differing = old.pixels().zip(new.pixels()).filter(|(old, new)| old != new).count();
    if pixels == 0 {
        return Ok(0.0);
    }
    Ok(differing as f64 / pixels as f64)
}
