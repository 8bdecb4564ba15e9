//! Arguments of the commands that measure, export, sign and prepare.

use crate::evaluate::Benchmark;
use crate::evaluate::report::Format;
use crate::quantise::Rule;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `evaluate`.
#[derive(Args, Debug)]
pub struct Evaluate {
    /// A model folder, or a folder with a single recogniser.
    pub model: PathBuf,
    /// NAME=PATH of a benchmark: lfw, calfw, cplfw, cfp-fp, cfp-ff, agedb-30, rfw, xqlfw, tinyface, ijb-b,
    /// ijb-c, folder; may be given several times.
    #[arg(long = "benchmark", value_name = "NAME=PATH", required = true)]
    pub benchmarks: Vec<Benchmark>,
    /// Folder of the models, for the detector.
    #[arg(long, env = "MFN_MODELS", default_value = "models")]
    pub models: PathBuf,
    /// The int8 network of the folder in the place of fp32.
    #[arg(long)]
    pub int8: bool,
    /// Leave out mirror images, which take half the time.
    #[arg(long)]
    pub no_flip: bool,
    /// How many people to enrol for the searches of `folder`; may be given several times.
    #[arg(long, value_name = "N", default_values_t = [10, 100, 1000])]
    pub gallery: Vec<usize>,
    /// Folder for the DET curve of `folder`, as SVG.
    #[arg(long)]
    pub curves: Option<PathBuf>,
    /// How to print the figures.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// The same as --format json.
    #[arg(long)]
    pub json: bool,
    /// The paper's rows in the table too.
    #[arg(long)]
    pub paper: bool,
    /// Threads; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
}

/// Arguments of `card`.
#[derive(Args, Debug)]
pub struct Card {
    /// The model folder.
    pub model: PathBuf,
    /// The recipe that the model was trained by, which says who was held out.
    pub recipe: PathBuf,
    /// Change one value of the recipe; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub changes: Vec<String>,
    /// NAME=PATH of a benchmark, as for `evaluate`; may be given several times.
    #[arg(long = "benchmark", value_name = "NAME=PATH")]
    pub benchmarks: Vec<Benchmark>,
    /// Folder of the models, for the detector before benchmarks.
    #[arg(long, env = "MFN_MODELS", default_value = "models")]
    pub models: PathBuf,
    /// Print the thresholds as one JSON object in the place of the figures.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `export`.
#[derive(Args, Debug)]
pub struct Export {
    /// A checkpoint, or the folder of a run: then its best one.
    pub checkpoint: PathBuf,
    /// The model folder to make.
    #[arg(long)]
    pub out: PathBuf,
    /// Folder of 112x112 PNG crops called PERSON-NUMBER.png, at least two of one person and one of another; for
    /// a detector, of photographs.
    #[arg(long)]
    pub golden: PathBuf,
    /// The model's terms, such as an SPDX expression.
    #[arg(long)]
    pub licence: String,
    /// The model's name (a-z, 0-9, '-', '.'); by default that of the network.
    #[arg(long)]
    pub name: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `keygen`.
#[derive(Args, Debug)]
pub struct Keygen {
    /// Path without ending: STEM.key and STEM.pub are written.
    pub stem: PathBuf,
    /// Do not encrypt the secret key.
    #[arg(long)]
    pub no_password: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bundle`.
#[derive(Args, Debug)]
pub struct Bundle {
    /// The model folder to sign.
    pub model: PathBuf,
    /// The secret key.
    #[arg(long)]
    pub key: PathBuf,
    /// What the signature says, such as who released which version.
    #[arg(long)]
    pub comment: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub struct Verify {
    /// The model folder to check.
    pub model: PathBuf,
    /// The public key; without it only the hashes are checked.
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `prepare`.
#[derive(Args, Debug)]
pub struct Prepare {
    /// Folder of photographs; folders below it, which may be people, are kept.
    pub photos: PathBuf,
    /// Folder for crops and record; what it holds already is not done again.
    #[arg(long)]
    pub out: PathBuf,
    /// Only the largest face of each photograph.
    #[arg(long)]
    pub largest: bool,
    /// Leave out faces narrower than this many pixels.
    #[arg(long, value_name = "PIXELS", default_value_t = 32.0)]
    pub smallest: f32,
    /// Folder of the models, for the detector.
    #[arg(long, env = "MFN_MODELS", default_value = "models")]
    pub models: PathBuf,
    /// Threads; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `subset`.
#[derive(Args, Debug)]
pub struct Subset {
    /// Folder or archive of identities.
    pub source: PathBuf,
    /// The list to write.
    #[arg(long)]
    pub out: PathBuf,
    /// How many identities.
    #[arg(long, default_value_t = 100_000)]
    pub identities: usize,
    /// Identities with fewer pictures are left out.
    #[arg(long, default_value_t = 30)]
    pub min_images: usize,
    /// No more pictures of one identity than this.
    #[arg(long, default_value_t = 50)]
    pub max_images: usize,
    /// The same seed gives the same list.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `quantise`.
#[derive(Args, Debug)]
pub struct Quantise {
    /// The model folder to put an int8 network into.
    pub model: PathBuf,
    /// Folder or archive of aligned crops, as `prepare` makes them; where its folders are people, decisions are
    /// compared too.
    #[arg(long, value_name = "FACES")]
    pub calibrate: PathBuf,
    /// How many of the crops the ranges come from.
    #[arg(long, default_value_t = 256)]
    pub faces: usize,
    /// How many other crops the two networks are compared on.
    #[arg(long, default_value_t = 1000)]
    pub compare: usize,
    /// NAME=PATH of a benchmark of pairs, on which decisions are compared too: lfw, calfw, cplfw, cfp-fp, cfp-ff,
    /// agedb-30, rfw, xqlfw; may be given several times.
    #[arg(long = "benchmark", value_name = "NAME=PATH")]
    pub benchmarks: Vec<Benchmark>,
    /// Folder of the models, for the detector before benchmarks.
    #[arg(long, env = "MFN_MODELS", default_value = "models")]
    pub models: PathBuf,
    /// The same seed picks the same crops.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How the range of an activation is chosen.
    #[arg(long, value_enum, default_value = "mse")]
    pub range: Rule,
    /// Round the weights only: a quarter of the file, activations stay floats.
    #[arg(long)]
    pub weights_only: bool,
    /// Threads; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct Import {
    /// The stranger's ONNX file: a recogniser of 112x112 crops.
    pub onnx: PathBuf,
    /// Folder or archive of aligned crops whose folders are people: by them the way from pixels to numbers is
    /// found out, and some of them become golden crops.
    #[arg(long)]
    pub faces: PathBuf,
    /// The model folder to make.
    #[arg(long)]
    pub out: PathBuf,
    /// The terms under which you may use the model, such as an SPDX expression.
    #[arg(long)]
    pub licence: String,
    /// The model's name (a-z, 0-9, '-', '.'); by default that of the file.
    #[arg(long)]
    pub name: Option<String>,
    /// Which output to take, where there are several.
    #[arg(long)]
    pub output: Option<String>,
    /// How many numbers the output has, where the file does not say it.
    #[arg(long)]
    pub dimension: Option<usize>,
    /// Golden vectors by an independent runtime, as `golden.py` makes them of the folder that a first import
    /// wrote; without it they come from the engine's own runtime, without its operators and fusions.
    #[arg(long, value_name = "FILE")]
    pub golden: Option<PathBuf>,
    /// How many of the crops are looked at.
    #[arg(long, default_value_t = 300)]
    pub crops: usize,
    /// The same seed picks the same crops.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
