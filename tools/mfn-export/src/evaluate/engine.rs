//! The device's detector, alignment and recogniser over many pictures, on all cores.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use mfn_engine::{Detector, DetectorOptions, Guard, GuardLimits, ModelFolder, Models, Quality, Recogniser};
use mfn_template::Template;
use mfn_vision::{AlignedFace, Detection, Landmarks, RgbImage, align, resize};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The hidden command by which this program tries a stranger's network in a child process.
pub const GUARD_COMMAND: &str = "model-guard";
/// Photographs of benchmarks are about square; this many pixels a side see their faces at full size.
const SIDE: u32 = 320;

/// How pictures of a benchmark become crops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    /// Black border around the picture, as a share of its sides: close crops are found better with one.
    pub border: f32,
    /// Where no face is found, this share of width and height around the centre is the crop. 0.875 is what
    /// InsightFace's preprocessing takes.
    pub centre: f32,
}

impl Default for Preparation {
    fn default() -> Self {
        Self { border: 0.0, centre: 0.875 }
    }
}

/// What to embed.
pub enum Picture {
    /// A photograph in which the face is to be found; one of 112x112 pixels is taken for a crop.
    Photograph(RgbImage),
    /// A photograph with the five points of its face.
    Marked(RgbImage, Landmarks),
}

/// The templates of one picture.
#[derive(Clone)]
pub struct Face {
    /// Of the crop.
    pub plain: Template,
    /// The normalised sum of the crop's and its mirror image's, where that was asked for.
    pub flip: Option<Template>,
    /// Whether a face was found; else the templates are those of the centre.
    pub found: bool,
    /// The quality score that a door would give it, where the device's detector found it.
    pub quality: Option<f32>,
}

/// One worker's networks and buffers.
struct Reader {
    detector: Detector,
    recogniser: Recogniser,
    found: Vec<Detection>,
    crop: AlignedFace,
    quality: Option<f32>,
}

/// A recogniser with the detector before it, once a core.
pub struct Engine {
    readers: Vec<Mutex<Reader>>,
    flip: bool,
}

/// The guard through which strangers' networks pass, as on the device.
///
/// # Errors
/// When this program's own path is unknown.
pub fn guard() -> Result<Guard> {
    let program = std::env::current_exe().context("this program's own path")?;
    Ok(Guard::new(program, [GUARD_COMMAND], GuardLimits::default()))
}

/// Opens a recogniser: a model folder, or the one that a folder of models gives without a name.
///
/// # Errors
/// When there is none, or it is broken.
pub fn open_model(path: &Path) -> Result<ModelFolder> {
    if path.join(crate::bundle::MANIFEST).exists() {
        return Ok(ModelFolder::open(path)?);
    }
    Ok(Models::find(path)?.recogniser(None)?.clone())
}

impl Engine {
    /// Loads `threads` pairs of detector (from the models in `models`) and recogniser; with `flip`, mirror
    /// images are embedded too.
    ///
    /// # Errors
    /// When a network is missing or refused.
    pub fn open(
        recogniser: &ModelFolder,
        models: &Path,
        threads: usize,
        flip: bool,
        guard: &Guard,
    ) -> Result<Self> {
        let found = Models::find(models)?;
        let options = DetectorOptions { width: SIDE, height: SIDE, ..DetectorOptions::default() };
        let mut readers = Vec::new();
        for number in 0..threads.max(1) {
            // What was tried once needs no second trial.
            let guard = if number == 0 { guard.clone() } else { Guard::trusted() };
            readers.push(Mutex::new(Reader {
                detector: Detector::load(found.detector()?, options, &guard)?,
                recogniser: Recogniser::load(recogniser, &guard)?,
                found: Vec::new(),
                crop: AlignedFace::new(),
                quality: None,
            }));
        }
        Ok(Self { readers, flip })
    }

    /// Whether mirror images are embedded too.
    pub fn flips(&self) -> bool {
        self.flip
    }

    /// Embeds pictures `0..count`, read one by one as workers are free; a progress bar goes by `title`.
    ///
    /// # Errors
    /// The first picture that cannot be read, or on which the network fails.
    pub fn embed(
        &self,
        title: &str,
        count: usize,
        preparation: Preparation,
        read: impl Fn(usize) -> Result<Picture> + Sync,
    ) -> Result<Vec<Face>> {
        let work = |reader: &mut Reader, i: usize| reader.embed(&read(i)?, preparation, self.flip);
        self.parallel(title, count, work)
    }

    /// As [`Engine::embed`], but what each worker makes of its pictures is up to `make`, which gets a function
    /// that embeds: thus the pictures of one template are summed where they are read.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn map<T: Send>(
        &self,
        title: &str,
        count: usize,
        preparation: Preparation,
        make: impl Fn(usize, &mut dyn FnMut(&Picture) -> Result<Face>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        self.parallel(title, count, |reader: &mut Reader, i: usize| {
            make(i, &mut |picture| reader.embed(picture, preparation, self.flip))
        })
    }

    fn parallel<T: Send>(
        &self,
        title: &str,
        count: usize,
        work: impl Fn(&mut Reader, usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let bar = bar(title, count);
        let next = AtomicUsize::new(0);
        let worker = |reader: &Mutex<Reader>| -> Result<Vec<(usize, T)>> {
            let mut reader = reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut done = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= count {
                    return Ok(done);
                }
                let one = work(&mut reader, i);
                if one.is_err() {
                    next.store(count, Ordering::Relaxed);
                }
                done.push((i, one?));
                bar.inc(1);
            }
        };
        let parts = std::thread::scope(|scope| {
            let threads: Vec<_> = self.readers.iter().map(|r| scope.spawn(|| worker(r))).collect();
            let join = |t: std::thread::ScopedJoinHandle<'_, Result<Vec<(usize, T)>>>| {
                t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).collect::<Result<Vec<_>>>()
        });
        bar.finish_and_clear();
        let mut all: Vec<(usize, T)> = parts?.into_iter().flatten().collect();
        all.sort_by_key(|(i, _)| *i);
        Ok(all.into_iter().map(|(_, one)| one).collect())
    }
}

/// A bar on standard error with pictures a second and the time left.
pub fn bar(title: &str, count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {per_sec}, {eta} left");
    let bar = ProgressBar::new(count as u64).with_message(title.to_string());
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

impl Reader {
    fn embed(&mut self, picture: &Picture, preparation: Preparation, flip: bool) -> Result<Face> {
        self.quality = None;
        let found = match picture {
            Picture::Marked(photograph, points) => align(photograph, points, &mut self.crop).is_ok(),
            Picture::Photograph(photograph) => self.find(photograph, preparation)?,
        };
        if !found {
            let (Picture::Marked(photograph, _) | Picture::Photograph(photograph)) = picture;
            self.crop = centre(photograph, preparation.centre)?;
        }
        let plain = self.recogniser.embed(&self.crop)?;
        let flip =
            if flip { Some(sum(&plain, &self.recogniser.embed(&mirror(&self.crop)?)?)?) } else { None };
        Ok(Face { plain, flip, found, quality: self.quality })
    }

    /// Aligns the face nearest the centre; `false` when there is none.
    fn find(&mut self, photograph: &RgbImage, preparation: Preparation) -> Result<bool> {
        if let Some(crop) = AlignedFace::from_rgb(photograph) {
            self.crop = crop;
            return Ok(true);
        }
        let bordered = bordered(photograph, preparation.border);
        let frame = bordered.as_ref().unwrap_or(photograph);
        self.detector.detect(frame, &mut self.found)?;
        let Some(face) = nearest(frame, &self.found) else { return Ok(false) };
        let aligned = align(frame, &face.landmarks, &mut self.crop).is_ok();
        self.quality = aligned.then(|| Quality::assess(face, &self.crop).score());
        Ok(aligned)
    }
}

/// The face whose box is nearest the picture's centre.
pub fn nearest<'a>(frame: &RgbImage, found: &'a [Detection]) -> Option<&'a Detection> {
    let (x, y) = (frame.width() as f32 / 2.0, frame.height() as f32 / 2.0);
    let distance = |d: &Detection| (d.face.x + d.face.w / 2.0 - x).hypot(d.face.y + d.face.h / 2.0 - y);
    found.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn bordered(picture: &RgbImage, share: f32) -> Option<RgbImage> {
    let (width, height) = (picture.width(), picture.height());
    let (left, top) = ((width as f32 * share) as u32, (height as f32 * share) as u32);
    if left == 0 && top == 0 {
        return None;
    }
    let mut out = RgbImage::new(width + 2 * left, height + 2 * top);
    let stride = 3 * out.width() as usize;
    for y in 0..height {
        let row = picture.row(y);
        out.data_mut()[(y + top) as usize * stride + 3 * left as usize..][..row.len()].copy_from_slice(row);
    }
    Some(out)
}

/// The middle of the picture, scaled to a crop.
fn centre(picture: &RgbImage, share: f32) -> Result<AlignedFace> {
    let part = |side: u32| ((side as f32 * share).round() as u32).clamp(1, side.max(1));
    let (width, height) = (part(picture.width()), part(picture.height()));
    let (left, top) = ((picture.width() - width) / 2, (picture.height() - height) / 2);
    let rows = (top..top + height)
        .flat_map(|y| picture.row(y)[3 * left as usize..][..3 * width as usize].iter().copied());
    let middle = RgbImage::from_raw(width, height, rows.collect()).context("a picture of no size")?;
    let side = AlignedFace::SIDE as u32;
    let mut crop = RgbImage::new(side, side);
    resize(&middle, &mut crop);
    AlignedFace::from_rgb(&crop).context("a crop of another size")
}

fn mirror(crop: &AlignedFace) -> Result<AlignedFace> {
    let mut image = crop.image().clone();
    for row in image.data_mut().chunks_exact_mut(3 * AlignedFace::SIDE) {
        row.reverse();
        // Reversing the bytes also reversed each pixel's channels.
        row.chunks_exact_mut(3).for_each(<[u8]>::reverse);
    }
    AlignedFace::from_rgb(&image).context("a crop of another size")
}

/// The device's recogniser gives templates of unit length, so both sides count alike.
fn sum(a: &Template, b: &Template) -> Result<Template> {
    let sum: Vec<f32> = a.values().iter().zip(b.values()).map(|(a, b)| a + b).collect();
    Ok(Template::normalise(&sum)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_vision::Rect;

    #[test]
    fn the_face_nearest_the_centre_counts() {
        let at = |x: f32, score: f32| Detection {
            score,
            face: Rect { x, y: 40.0, w: 20.0, h: 20.0 },
            landmarks: Landmarks::default(),
        };
        let found = [at(0.0, 0.99), at(44.0, 0.7), at(70.0, 0.9)];
        assert_eq!(nearest(&RgbImage::new(100, 100), &found).unwrap().score, 0.7);
        assert!(nearest(&RgbImage::new(100, 100), &[]).is_none());
    }

    #[test]
    fn mirroring_moves_pixels_and_not_channels() {
        let mut image = RgbImage::new(112, 112);
        image.data_mut()[..3].copy_from_slice(&[1, 2, 3]);
        let mirrored = mirror(&AlignedFace::from_rgb(&image).unwrap()).unwrap();
        assert_eq!(&mirrored.data()[3 * 111..3 * 112], [1, 2, 3]);
        assert_eq!(mirror(&mirrored).unwrap().image(), &image);
    }

    #[test]
    fn borders_and_centres_have_the_right_pixels() {
        let mut image = RgbImage::new(8, 4);
        image.data_mut()[0] = 9;
        let out = bordered(&image, 0.5).unwrap();
        assert_eq!((out.width(), out.height()), (16, 8));
        assert_eq!(out.row(2)[12], 9);
        assert!(bordered(&image, 0.0).is_none());
        assert_eq!(centre(&image, 0.5).unwrap().data().len(), 3 * 112 * 112);
    }
}
