//! `detect`: where faces are on photographs.

use std::path::{Path, PathBuf};

use mfn_vision::photo;
use mfn_vision::{Detection, RgbImage, draw};
use serde_json::json;

use crate::cli::DetectArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::progress::Working;
use crate::{engines, photos, report};

pub fn execute(args: &DetectArgs) -> Result<Exit, Failure> {
    let mut config = Config::load(&args.with.file)?;
    let out = args.draw.as_deref().map(|out| Out::new(out, args.photos.len())).transpose()?;
    let mut pipeline = engines::choose(&mut config, &args.with)?.pipeline(&config)?;
    let working = Working::through(args.photos.len(), "detecting");
    let mut all = true;
    for path in &args.photos {
        let mut picture = photos::load(path)?;
        let faces = pipeline.detect(&picture)?.to_vec();
        all &= !faces.is_empty();
        working.step();
        if args.json.json {
            report::json(&json!({ "photo": path, "faces": faces.iter().map(describe).collect::<Vec<_>>() }))?;
        } else {
            print(path, &faces)?;
        }
        if let Some(out) = &out {
            paint(&mut picture, &faces);
            out.save(&picture, path)?;
        }
    }
    Ok(Exit::answer(all))
}

/// Where drawn pictures go.
enum Out {
    File(PathBuf),
    Folder(PathBuf),
}

impl Out {
    /// A name that ends in .png, .jpg or .jpeg is a file and takes one photograph only.
    fn new(path: &Path, photos: usize) -> Result<Out, Failure> {
        if !is_picture(path) {
            std::fs::create_dir_all(path).map_err(|e| {
                Failure::new(Exit::Failure, format!("cannot make the folder {}: {e}", path.display()))
            })?;
            return Ok(Out::Folder(path.to_owned()));
        }
        if photos > 1 {
            let what = format!("{} is one file for {photos} photographs: name a folder", path.display());
            return Err(Failure::new(Exit::Usage, what));
        }
        Ok(Out::File(path.to_owned()))
    }

    /// Never writes over the photograph itself.
    fn save(&self, picture: &RgbImage, from: &Path) -> Result<(), Failure> {
        let to = match self {
            Out::File(file) => file.clone(),
            Out::Folder(folder) => {
                let mut name = from.file_stem().unwrap_or_default().to_owned();
                name.push("-faces.png");
                folder.join(name)
            }
        };
        if to.canonicalize().is_ok_and(|to| from.canonicalize().is_ok_and(|from| to == from)) {
            let what = format!("{} is the photograph itself: name another file for --draw", to.display());
            return Err(Failure::new(Exit::Usage, what));
        }
        let png = to.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
        let saved = if png { photo::save_png(picture, &to) } else { photo::save_jpeg(picture, &to) };
        saved.or_exit(Exit::Failure)
    }
}

fn is_picture(path: &Path) -> bool {
    let known = |e: &std::ffi::OsStr| ["png", "jpg", "jpeg"].iter().any(|k| e.eq_ignore_ascii_case(k));
    path.extension().is_some_and(known)
}

fn paint(picture: &mut RgbImage, faces: &[Detection]) {
    let thickness = (picture.width() / 200).max(2);
    for face in faces {
        draw::outline(picture, &face.face, draw::GREEN, thickness);
        draw::points(picture, &face.landmarks, draw::AMBER);
        draw::label(picture, &face.face, &format!("{:.2}", face.score), draw::GREEN);
    }
}

fn describe(face: &Detection) -> serde_json::Value {
    let (area, points) = (&face.face, face.landmarks.0);
    json!({
        "score": report::rounded(face.score),
        "box": [area.x, area.y, area.w, area.h],
        "points": points.map(|p| [p.x, p.y]),
    })
}

fn print(path: &Path, faces: &[Detection]) -> Result<(), Failure> {
    if faces.is_empty() {
        return report::line(&format!("{}: no face", path.display()));
    }
    for (i, face) in faces.iter().enumerate() {
        let area = &face.face;
        report::line(&format!(
            "{}, face {}: score {:.3}, box {:.0},{:.0} {:.0}x{:.0}",
            path.display(),
            i + 1,
            face.score,
            area.x,
            area.y,
            area.w,
            area.h
        ))?;
    }
    Ok(())
}
