//! A detector's run: from a recipe or a checkpoint to the last picture.

use super::arch::{NAME, fresh};
use super::examination::Examination;
use super::frames::Frames;
use super::loss::losses;
use super::network::DetectorNetwork;
use super::views::{Batch, Maker};
use crate::data::{Loader, Order, generator};
use crate::device::cpu;
use crate::net::{Bound, ParameterSet};
use crate::recipe::DetectorRecipe;
use crate::train::checkpoint::{self, Header};
use crate::train::{Cycle, Examined, Finished, Learner, Learning, Pass, Report, RunFolder, State};
use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Begins a run in a new folder; `threads` make batches.
///
/// # Errors
/// When the data cannot be read, the folder holds a run, or training fails.
pub fn start(recipe: &DetectorRecipe, out: &Path, threads: usize) -> Result<Finished> {
    let run = Run::prepare(recipe)?;
    let folder = RunFolder::create(out)?;
    folder.write_recipe(&recipe.to_toml(), recipe.seed, &run.header)?;
    run.go(&folder, run.fresh(), threads)
}

/// Goes on with a run, with changes to its recipe if there are any.
///
/// # Errors
/// As [`start`]; and when the checkpoint cannot be read.
pub fn resume(path: &Path, changes: &[String], threads: usize) -> Result<Finished> {
    let folder = RunFolder::open(path)?;
    let recipe = DetectorRecipe::load(&folder.recipe_path(), changes)?;
    let run = Run::prepare(&recipe)?;
    let state = match folder.checkpoint_path() {
        path if path.exists() => checkpoint::load(&path, &run.header, run.fresh())?,
        _ => run.fresh(),
    };
    // A change that does not fit the checkpoint leaves the run as it was.
    if !changes.is_empty() {
        folder.write_recipe(&recipe.to_toml(), recipe.seed, &run.header)?;
    }
    folder.rewind_metrics(state.seen)?;
    log::info!("going on after {} pictures", state.seen);
    run.go(&folder, state, threads)
}

/// A recipe with its frames.
struct Run {
    recipe: DetectorRecipe,
    maker: Arc<Maker>,
    header: Header,
    epoch_len: u64,
}

impl Run {
    fn prepare(recipe: &DetectorRecipe) -> Result<Self> {
        let frames = Frames::open(&recipe.data)?;
        let epoch_len = Order::new(&frames.spans, recipe.seed).epoch_len() as u64;
        ensure!(
            epoch_len >= recipe.train.batch as u64,
            "data: an epoch has {epoch_len} pictures, less than one batch"
        );
        log::info!("{} frames to train on, {} kept out", frames.train.len(), frames.kept_out.len());
        let header = Header { network: NAME.into(), data: frames.fingerprint.clone() };
        let maker = Arc::new(Maker::new(frames, recipe));
        Ok(Self { recipe: recipe.clone(), maker, header, epoch_len })
    }

    fn fresh(&self) -> State {
        State::fresh(fresh(&mut generator(&[self.recipe.seed])), &self.recipe.optimiser)
    }

    fn go(&self, folder: &RunFolder, state: State, threads: usize) -> Result<Finished> {
        let train = &self.recipe.train;
        let epochs = train.epochs.unwrap_or_default();
        let total = train.images.unwrap_or((epochs * self.epoch_len as f64).ceil() as u64);
        let examination = Examination::prepare(&self.maker.frames, &self.recipe)?;
        match &examination {
            Some(e) => log::info!("examined on {} frames", e.frames()),
            None => log::info!("no frame is kept out: the last checkpoint is the outcome"),
        }
        let maker = &self.maker;
        let loader = Loader::start(state.seen, train.batch, threads, || maker.worker())?;
        let network = DetectorNetwork::new(&state.set)?;
        let (optimiser, schedule) = (self.recipe.optimiser.clone(), self.recipe.schedule.clone());
        let learning = Learning { optimiser, schedule, total, epoch_len: self.epoch_len, state };
        let device = cpu().autodiff();
        let learner = Detection { run: self, network, learning, loader, examination, device };
        Cycle::new(folder, &self.header, train, total, learner)?.run()
    }
}

/// A detector, what it learns from and what it is examined on.
struct Detection<'a> {
    run: &'a Run,
    network: DetectorNetwork,
    learning: Learning,
    loader: Loader<Batch>,
    examination: Option<Examination>,
    device: Device,
}

impl Learner for Detection<'_> {
    fn step(&mut self) -> Result<(Report, u64)> {
        let batch = self.loader.take()?;
        let images = batch.grid.batch as u64;
        let (network, device) = (&self.network, &self.device);
        let report = self.learning.step(images, |set| pass(network, device, set, &batch))?;
        Ok((report, images))
    }

    fn state(&self) -> &State {
        &self.learning.state
    }

    fn examine(&mut self) -> Result<Option<Examined>> {
        let Some(examination) = &self.examination else { return Ok(None) };
        let figures = examination.by_graph(&self.state().best_weights())?;
        // Both aims count: a face in a hundred missed weighs as much as points a hundredth further off.
        let error = 1.0 - figures.chosen.recall.share() + figures.chosen.point_error;
        let text = format!("\n{}", figures.text().trim_end());
        let mut figures = json!(figures);
        figures["error"] = json!(error);
        Ok(Some(Examined { error, text, figures }))
    }

    fn broken(&self) -> usize {
        self.run.maker.broken.lock().map_or(0, |b| b.len())
    }
}

/// Forward and backward without changing anything.
fn pass(network: &DetectorNetwork, device: &Device, set: &ParameterSet, batch: &Batch) -> Result<Pass> {
    let bound = Bound::new(set, device, true);
    let shape = [batch.grid.batch, 3, batch.grid.height, batch.grid.width];
    let images = Tensor::from_data(TensorData::new(batch.images.clone(), shape), device);
    let (outputs, statistics) = network.train(&bound, images);
    let losses = losses(outputs, &batch.targets);
    let mut gradients = losses.total.backward();
    let report = Report::of(losses.total, losses.parts)?;
    let gradients = bound.gradients(set, &mut gradients)?;
    Ok(Pass { report, gradients, statistics })
}
