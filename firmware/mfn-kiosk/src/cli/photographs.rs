//! Arguments of the commands that look at photographs.

use super::{GalleryDir, Json, WithModels};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `identify`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct IdentifyArgs {
    /// Photographs
    #[arg(required = true, value_name = "FILE")]
    pub photos: Vec<PathBuf>,
    /// How many candidates to print for each face
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub candidates: u32,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub gallery: GalleryDir,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct VerifyArgs {
    /// One photograph
    pub first: PathBuf,
    /// The other photograph
    pub second: PathBuf,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `detect`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct DetectArgs {
    /// Photographs
    #[arg(required = true, value_name = "FILE")]
    pub photos: Vec<PathBuf>,
    /// Write pictures with boxes and points: a .png or .jpg file for one photograph, else a folder
    #[arg(long, value_name = "OUT")]
    pub draw: Option<PathBuf>,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `calibrate`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct CalibrateArgs {
    /// Folder with photographs of people who are not enrolled: each a person, and each subfolder one person
    #[arg(long, value_name = "DIR")]
    pub strangers: Option<PathBuf>,
    /// The share of strangers' approaches that may be let in, instead of decision.target_fpir
    #[arg(long, value_name = "FPIR", value_parser = fpir)]
    pub target_fpir: Option<f64>,
    /// Write what was measured to a file for decision.calibration
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub gallery: GalleryDir,
    #[command(flatten)]
    pub json: Json,
}

/// The range of `decision.target_fpir`.
fn fpir(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n| (1e-6..=0.1).contains(n));
    number.ok_or_else(|| "a target is 0.000001 to 0.1, such as 0.001".to_owned())
}
