//! Drawing what the kiosk saw into a picture: boxes, points, labels, a banner. Everything is clipped
//! to the picture; boxes and points that are not finite are left out.

pub use crate::sheet::contact_sheet;
pub use embedded_graphics::pixelcolor::Rgb888 as Colour;

use crate::{Landmarks, Point, Rect, RgbImage};
use embedded_graphics::geometry::{Dimensions, Point as Pixel, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, iso_8859_1};
use embedded_graphics::pixelcolor::RgbColor;
use embedded_graphics::prelude::{DrawTarget, Drawable};
use embedded_graphics::primitives::{Primitive, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};
use std::convert::Infallible;

/// Granted.
pub const GREEN: Colour = Colour::new(40, 190, 80);
/// Denied.
pub const RED: Colour = Colour::new(220, 50, 47);
/// Undecided.
pub const AMBER: Colour = Colour::new(240, 170, 30);
/// Nothing to say.
pub const GREY: Colour = Colour::new(150, 150, 150);

/// Behind text: nearly black, so that a banner does not melt into a black border.
pub(crate) const DARK: Colour = Colour::new(24, 26, 30);
/// Text on [`DARK`].
pub(crate) const LIGHT: Colour = Colour::new(235, 235, 235);

/// Pixels between text and the edge of its background.
const PADDING: i32 = 4;
/// Width of the coloured bar at a banner's left.
const BAR: u32 = 8;

/// Draws the outline of `area`, `thickness` pixels wide, half of them on each side of its edge.
pub fn outline(image: &mut RgbImage, area: &Rect, colour: Colour, thickness: u32) {
    let Some(area) = pixels(image, area) else { return };
    let thickness = thickness.min(image.width().max(image.height()));
    let outline = area.into_styled(PrimitiveStyle::with_stroke(colour, thickness));
    let Ok(()) = outline.draw(&mut Canvas(image));
}

/// Draws the five points as filled squares of about 1/100 of the picture's width.
pub fn points(image: &mut RgbImage, landmarks: &Landmarks, colour: Colour) {
    let side = (image.width() / 100).clamp(3, 15) | 1;
    for Point { x, y } in landmarks.0 {
        let half = (side / 2) as f32;
        let square = Rect { x: x - half, y: y - half, w: side as f32, h: side as f32 };
        let Some(square) = pixels(image, &square) else { continue };
        let Ok(()) = Canvas(image).fill_solid(&square, colour);
    }
}

/// Writes one line of text on a background of `colour`: above `area`, or inside its top where the
/// picture has no room above; moved left where it would leave the picture.
pub fn label(image: &mut RgbImage, area: &Rect, text: &str, colour: Colour) {
    let Some(area) = pixels(image, area) else { return };
    let font = font_for(image.width());
    let text = cut(text, font, image.width() as i32 - 2 * PADDING);
    let size = text_size(&text, font) + Size::new(2 * PADDING as u32, PADDING as u32);
    let above = area.top_left.y - size.height as i32;
    let room = |side: u32, needed: u32| (side as i32 - needed as i32).max(0);
    let corner = Pixel::new(
        area.top_left.x.clamp(0, room(image.width(), size.width)),
        (if above >= 0 { above } else { area.top_left.y }).clamp(0, room(image.height(), size.height)),
    );
    let Ok(()) = Canvas(image).fill_solid(&Rectangle::new(corner, size), colour);
    write(image, corner + Pixel::new(PADDING, PADDING / 2), &text, font, readable_on(colour));
}

/// Writes lines into a dark strip over the bottom of the picture, with a bar of `colour` at its left.
/// Long lines are wrapped at spaces; what does not fit into the picture is left out.
pub fn banner(image: &mut RgbImage, lines: &[&str], colour: Colour) {
    let font = font_for(image.width());
    let (left, pitch) = (BAR as i32 + 2 * PADDING, font.character_size.height as i32 + PADDING / 2);
    let mut lines = wrap(&lines.join("\n"), image.width().saturating_sub(left as u32), font);
    lines.truncate((image.height() as i32 / pitch) as usize);
    let height = (lines.len() as i32 * pitch + 2 * PADDING).min(image.height() as i32);
    let corner = Pixel::new(0, image.height() as i32 - height);
    let strip = Rectangle::new(corner, Size::new(image.width(), height as u32));
    let Ok(()) = Canvas(image).fill_solid(&strip, DARK);
    let bar = Rectangle::new(corner, Size::new(BAR, height as u32));
    let Ok(()) = Canvas(image).fill_solid(&bar, colour);
    for (n, line) in (0..).zip(&lines) {
        write(image, corner + Pixel::new(left, PADDING + n * pitch), line, font, LIGHT);
    }
}

/// The font in which text stays legible at a picture's width without covering it.
pub(crate) fn font_for(width: u32) -> &'static MonoFont<'static> {
    match width {
        0..=239 => &iso_8859_1::FONT_6X10,
        240..=479 => &iso_8859_1::FONT_7X13,
        480..=639 => &iso_8859_1::FONT_9X15,
        _ => &iso_8859_1::FONT_10X20,
    }
}

pub(crate) fn write(image: &mut RgbImage, at: Pixel, text: &str, font: &MonoFont, colour: Colour) {
    let style = MonoTextStyle::new(font, colour);
    let text = Text::with_baseline(text, at, style, Baseline::Top);
    let Ok(_next) = text.draw(&mut Canvas(image));
}

fn text_size(text: &str, font: &MonoFont) -> Size {
    let Size { width, height } = font.character_size;
    Size::new((width + font.character_spacing) * text.chars().count() as u32, height)
}

/// One line, cut to `width` pixels; control characters become spaces.
fn cut(text: &str, font: &MonoFont, width: i32) -> String {
    let fits = width.max(0) as usize / (font.character_size.width + font.character_spacing) as usize;
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(fits).collect()
}

/// Breaks text at spaces and line ends into lines of at most `width` pixels; longer words are cut.
pub(crate) fn wrap(text: &str, width: u32, font: &MonoFont) -> Vec<String> {
    let fits = (width / (font.character_size.width + font.character_spacing)) as usize;
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let used = line.chars().count();
            if used > 0 && used + 1 + word.chars().count() > fits {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.extend(word.chars().filter(|c| !c.is_control()).take(fits));
        }
        lines.push(line);
    }
    lines
}

/// Black on light, white on dark (luma of BT.601).
fn readable_on(colour: Colour) -> Colour {
    let part = |level: u8, weight: u32| u32::from(level) * weight;
    let luma = part(colour.r(), 299) + part(colour.g(), 587) + part(colour.b(), 114);
    if luma > 128_000 { Colour::BLACK } else { Colour::WHITE }
}

/// A box in whole pixels, cut where it lies more than a picture's size outside; `None` when a
/// coordinate is not finite.
fn pixels(image: &RgbImage, area: &Rect) -> Option<Rectangle> {
    let edges = [area.x, area.y, area.x + area.w, area.y + area.h];
    if !edges.iter().all(|edge| edge.is_finite()) {
        return None;
    }
    let limit = |edge: f32, side: u32| edge.round().clamp(-(side as f32), 2.0 * side as f32) as i32;
    let [left, right] = [edges[0], edges[2]].map(|x| limit(x, image.width()));
    let [top, bottom] = [edges[1], edges[3]].map(|y| limit(y, image.height()));
    let size = Size::new((right - left).max(0) as u32, (bottom - top).max(0) as u32);
    Some(Rectangle::new(Pixel::new(left, top), size))
}

/// Lets embedded-graphics draw into a picture.
pub(crate) struct Canvas<'a>(pub(crate) &'a mut RgbImage);

impl Dimensions for Canvas<'_> {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Pixel::zero(), Size::new(self.0.width(), self.0.height()))
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Colour;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = embedded_graphics::Pixel<Colour>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        let area = self.bounding_box();
        for embedded_graphics::Pixel(at, colour) in pixels {
            if area.contains(at) {
                self.fill_solid(&Rectangle::new(at, Size::new(1, 1)), colour)?;
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, colour: Colour) -> Result<(), Infallible> {
        let area = area.intersection(&self.bounding_box());
        let (left, wide) = (area.top_left.x as usize, area.size.width as usize);
        let width = self.0.width() as usize;
        let rows = self.0.data_mut().as_chunks_mut::<3>().0.chunks_mut(width.max(1));
        for row in rows.skip(area.top_left.y as usize).take(area.size.height as usize) {
            row[left..][..wide].fill([colour.r(), colour.g(), colour.b()]);
        }
        Ok(())
    }
}
