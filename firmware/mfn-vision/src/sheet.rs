//! A contact sheet: many pictures with their captions in one.

use crate::draw::{Canvas, DARK, LIGHT, font_for, wrap, write};
use crate::{RgbImage, resize};
use embedded_graphics::geometry::{Point as Pixel, Size};
use embedded_graphics::mono_font::MonoFont;
use embedded_graphics::prelude::DrawTarget;
use embedded_graphics::primitives::Rectangle;

/// Pixels between cells and around the sheet.
const MARGIN: u32 = 10;
/// Widths of a cell that are accepted, in pixels; others are moved to the nearest.
const CELL_WIDTHS: std::ops::RangeInclusive<u32> = 32..=2048;

/// Puts pictures into cells of `cell_width` pixels, `columns` in a row (at least one), each with its
/// caption below, which is wrapped at spaces. Cells are as high as the highest picture needs, at most
/// 1.5 times their width.
#[must_use]
pub fn contact_sheet(pictures: &[(&RgbImage, &str)], columns: usize, cell_width: u32) -> RgbImage {
    let grid = Grid::of(pictures, columns, cell_width);
    let mut sheet = RgbImage::new(grid.width(), grid.height());
    let everything = Rectangle::new(Pixel::zero(), Size::new(sheet.width(), sheet.height()));
    let Ok(()) = Canvas(&mut sheet).fill_solid(&everything, DARK);
    let mut scaled = RgbImage::default();
    for (n, (picture, caption)) in (0..).zip(pictures) {
        let (left, top) = grid.corner(n);
        let (width, height) = grid.fitted(picture);
        scaled.reshape(width, height);
        resize(picture, &mut scaled);
        paste(&scaled, &mut sheet, left + (grid.cell - width) / 2, top + (grid.picture - height) / 2);
        for (n, line) in (0..).zip(wrap(caption, grid.cell, grid.font)) {
            let at = Pixel::new(left as i32, (top + grid.picture + MARGIN / 2 + n * grid.pitch()) as i32);
            write(&mut sheet, at, &line, grid.font, LIGHT);
        }
    }
    sheet
}

/// Where everything goes.
struct Grid {
    columns: u32,
    rows: u32,
    /// Width of a cell.
    cell: u32,
    /// Height of a cell's picture.
    picture: u32,
    /// Lines of the longest caption.
    lines: u32,
    font: &'static MonoFont<'static>,
}

impl Grid {
    fn of(pictures: &[(&RgbImage, &str)], columns: usize, cell_width: u32) -> Grid {
        let cell = cell_width.clamp(*CELL_WIDTHS.start(), *CELL_WIDTHS.end());
        let font = font_for(cell);
        let columns = columns.clamp(1, pictures.len().max(1));
        let needed = |p: &RgbImage| u64::from(cell) * u64::from(p.height()) / u64::from(p.width().max(1));
        let highest = pictures.iter().map(|(p, _)| needed(p)).max().unwrap_or(0);
        Grid {
            columns: columns as u32,
            rows: pictures.len().div_ceil(columns) as u32,
            cell,
            picture: highest.clamp(1, u64::from(cell) * 3 / 2) as u32,
            lines: pictures.iter().map(|(_, c)| wrap(c, cell, font).len()).max().unwrap_or(0) as u32,
            font,
        }
    }

    fn pitch(&self) -> u32 {
        self.font.character_size.height + 2
    }

    /// From one row of cells to the next.
    fn step(&self) -> u32 {
        self.picture + MARGIN / 2 + self.lines * self.pitch() + MARGIN
    }

    fn width(&self) -> u32 {
        MARGIN + self.columns * (self.cell + MARGIN)
    }

    fn height(&self) -> u32 {
        MARGIN + self.rows * self.step()
    }

    fn corner(&self, n: u32) -> (u32, u32) {
        let (column, row) = (n % self.columns, n / self.columns);
        (MARGIN + column * (self.cell + MARGIN), MARGIN + row * self.step())
    }

    /// The size at which a picture fills its cell.
    fn fitted(&self, picture: &RgbImage) -> (u32, u32) {
        let (width, height) = (picture.width().max(1) as f32, picture.height().max(1) as f32);
        let scale = (self.cell as f32 / width).min(self.picture as f32 / height);
        let side = |length: f32, limit: u32| ((length * scale).round() as u32).clamp(1, limit);
        (side(width, self.cell), side(height, self.picture))
    }
}

fn paste(from: &RgbImage, to: &mut RgbImage, left: u32, top: u32) {
    let (row, line) = (3 * from.width() as usize, 3 * to.width() as usize);
    let targets = to.data_mut().chunks_exact_mut(line).skip(top as usize);
    for (to, from) in targets.zip(from.data().chunks_exact(row)) {
        to[3 * left as usize..][..row].copy_from_slice(from);
    }
}
