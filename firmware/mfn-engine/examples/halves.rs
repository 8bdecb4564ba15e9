//! How near templates in fp16 are to those in fp32: mean and lowest cosine over crops of faces, on any CPU (where the
//! CPU lacks FP16, by the simulation that gives the same bits).
//!
//! `halves NETWORK.onnx CROPS [MOST]`: a recogniser of 1x3x112x112 inputs from -1 to 1, and a folder of PNG crops.

use std::error::Error;
use std::path::{Path, PathBuf};

use mfn_engine::{AnyNetwork, Floats, Operators};
use mfn_template::Template;
use mfn_vision::photo::{self, PhotoLimits};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, crops, rest @ ..] = &arguments[..] else {
        return Err("halves NETWORK.onnx CROPS [MOST]".into());
    };
    let most = rest.first().map_or(Ok(usize::MAX), |most| most.parse())?;
    let load = |floats| {
        let operators = Operators::Own { threads: std::num::NonZero::<usize>::MIN, floats };
        AnyNetwork::load(Path::new(file), Some([112, 112]), operators)
    };
    let (mut single, mut half) = (load(Floats::F32)?, load(Floats::F16)?);
    let mut cosines = Vec::new();
    for path in pictures(Path::new(crops))?.iter().take(most) {
        let input = planes(path)?;
        let copy = |outputs: &[&[f32]]| outputs[0].to_vec();
        let [single, half] = [&mut single, &mut half].map(|network| network.run(&input, copy));
        cosines.push(Template::normalise(&single?)?.similarity(&Template::normalise(&half?)?));
    }
    cosines.sort_by(f32::total_cmp);
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    let lowest = cosines.first().ok_or("no crops")?;
    println!("{} crops: mean cosine {mean:.6}, lowest {lowest:.6}", cosines.len());
    Ok(())
}

/// The PNG files of a folder and those below it.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut pictures(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "png") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn planes(crop: &Path) -> Result<Vec<f32>, Box<dyn Error>> {
    let picture = photo::load(crop, &PhotoLimits::default())?;
    let plane = |channel| picture.data().iter().skip(channel).step_by(3).map(|&v| f32::from(v) / 127.5 - 1.0);
    Ok((0..3).flat_map(plane).collect())
}
