//! A recogniser's run: from a recipe or a checkpoint to the last image.

use super::checkpoint::{self, Header};
use super::cycle::{Cycle, Examined, Finished, Learner};
use super::{Examination, Objective, Report, RunFolder, State, Trainer};
use crate::arch::Architecture;
use crate::data::{Dataset, Loader, Maker, Order, Views, generator};
use crate::device::Place;
use crate::net::{ParameterSet, widen};
use crate::recipe::Recipe;
use crate::teacher::{FeatureCache, HintShape, Teacher, Teaching};
use anyhow::{Result, anyhow, ensure};
use burn::tensor::Device;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What does not belong to the recipe: it changes nothing in the outcome.
pub struct Options {
    /// Folder of the models, for the teacher.
    pub models: PathBuf,
    /// Threads that make batches.
    pub threads: usize,
    /// What it computes on.
    pub device: Place,
}

/// Begins a run in a new folder.
pub fn start(recipe: &Recipe, out: &Path, options: &Options) -> Result<Finished> {
    let run = Run::prepare(recipe, options)?;
    let folder = RunFolder::create(out)?;
    folder.write_recipe(&recipe.to_toml(), recipe.seed, &run.header)?;
    let state = run.first_state()?;
    run.go(&folder, state)
}

/// Goes on with a run, with changes to its recipe if there are any.
pub fn resume(path: &Path, changes: &[String], options: &Options) -> Result<Finished> {
    let folder = RunFolder::open(path)?;
    let recipe = Recipe::load(&folder.recipe_path(), changes)?;
    let run = Run::prepare(&recipe, options)?;
    let state = match folder.checkpoint_path() {
        path if path.exists() => checkpoint::load(&path, &run.header, run.fresh.clone())?,
        _ => run.first_state()?,
    };
    // A change that does not fit the checkpoint leaves the run as it was.
    if !changes.is_empty() {
        folder.write_recipe(&recipe.to_toml(), recipe.seed, &run.header)?;
    }
    folder.rewind_metrics(state.seen)?;
    log::info!("going on after {} images", state.seen);
    run.go(&folder, state)
}

/// A recipe with everything opened that it names.
struct Run {
    recipe: Recipe,
    maker: Arc<Maker>,
    hints: Vec<HintShape>,
    header: Header,
    fresh: State,
    threads: usize,
    device: (Place, Device),
    epoch_len: u64,
}

impl Run {
    fn prepare(recipe: &Recipe, options: &Options) -> Result<Self> {
        let hints = recipe.teacher.iter().any(|teacher| !teacher.hints.is_empty());
        ensure!(
            options.device != Place::Cuda || !hints,
            "--device cuda: it computes no hints; leave them out with --set 'teacher.hint=[]'"
        );
        // A card that is not there is said before the data is read.
        let device = (options.device, options.device.open()?);
        let dataset = Arc::new(Dataset::open(&recipe.data)?);
        let epoch_len = Order::new(&dataset.spans, recipe.seed).epoch_len() as u64;
        ensure!(
            epoch_len >= recipe.train.batch as u64,
            "data: an epoch has {epoch_len} images, less than one batch"
        );
        log::info!(
            "{} faces to train on ({} labelled identities), {} held out, {epoch_len} an epoch",
            dataset.train.len(),
            dataset.identities,
            dataset.held_out.len()
        );
        let teaching = load_teacher(recipe, &options.models)?;
        let hints = teaching.as_ref().map(|t| t.teacher().hints().to_vec()).unwrap_or_default();
        let header = Header { network: recipe.network.clone(), data: dataset.fingerprint.clone() };
        let maker = Maker {
            dataset,
            augment: recipe.augment.clone(),
            seed: recipe.seed,
            batch: recipe.train.batch,
            teaching,
            broken: Mutex::default(),
        };
        let fresh = fresh_state(recipe, &hints, maker.dataset.identities);
        let maker = Arc::new(maker);
        let (recipe, threads) = (recipe.clone(), options.threads);
        Ok(Self { recipe, maker, hints, header, fresh, threads, device, epoch_len })
    }

    /// Random weights, or those that the recipe begins with.
    fn first_state(&self) -> Result<State> {
        let Some(path) = &self.recipe.begin else { return Ok(self.fresh.clone()) };
        let path = Path::new(path);
        let narrow = Recipe { network: checkpoint::network_of(path)?, ..self.recipe.clone() };
        ensure!(
            Architecture::by_name(&narrow.network).is_some(),
            "begin = {:?}: it is a checkpoint of {}",
            path,
            narrow.network
        );
        let fresh = fresh_state(&narrow, &self.hints, self.maker.dataset.identities).set;
        let from = checkpoint::shipped(path, &narrow.network, fresh)?;
        let mut rng = generator(&[self.recipe.seed, 1]);
        let set =
            widen(&from, self.fresh.set.clone(), &mut rng).map_err(|e| anyhow!("begin = {path:?}: {e:#}"))?;
        Ok(State::fresh(set, &self.recipe.optimiser))
    }

    fn total(&self) -> u64 {
        let epochs = self.recipe.train.epochs.unwrap_or_default();
        self.recipe.train.images.unwrap_or((epochs * self.epoch_len as f64).ceil() as u64)
    }

    fn go(&self, folder: &RunFolder, state: State) -> Result<Finished> {
        let objective = Objective::new(&self.recipe, &state.set, &self.hints)?;
        let (total, seen, device) = (self.total(), state.seen, self.device.clone());
        let trainer = Trainer::new(&self.recipe, state, objective, device, total, self.epoch_len)?;
        let examination = Examination::prepare(&self.maker.dataset, &self.recipe.data)?;
        match &examination {
            Some(e) => log::info!("examined on {} faces", e.faces()),
            None => log::info!("nobody is held out: the last checkpoint is the outcome"),
        }
        let maker = &self.maker;
        let loader = Loader::start(seen, maker.batch, self.threads, || maker.worker())?;
        let learner = Recognition { run: self, trainer, loader, examination };
        Cycle::new(folder, &self.header, &self.recipe.train, total, learner)?.run()
    }
}

fn fresh_state(recipe: &Recipe, hints: &[HintShape], classes: usize) -> State {
    let mut rng = generator(&[recipe.seed]);
    let mut set = ParameterSet::network(recipe.architecture(), &mut rng);
    Objective::extend(&mut set, recipe, hints, classes, &mut rng);
    State::fresh(set, &recipe.optimiser)
}

fn load_teacher(recipe: &Recipe, models: &Path) -> Result<Option<Teaching>> {
    let Some(asked) = &recipe.teacher else { return Ok(None) };
    let file = models.join(&asked.onnx);
    let teacher = Teacher::load(&file, &asked.hints)?;
    let same = teacher.dimension() == crate::arch::DIMENSION;
    ensure!(
        same || recipe.distil.cosine == 0.0,
        "teacher {}: its features have {} numbers, not {}; set distil.cosine = 0 and learn from pairs",
        asked.onnx,
        teacher.dimension(),
        crate::arch::DIMENSION
    );
    Ok(Some(match &asked.cache {
        Some(path) => {
            let cache = FeatureCache::open(Path::new(path), &std::fs::read(file)?, teacher.dimension())?;
            Teaching::Cached(teacher, cache)
        }
        None => Teaching::Live(teacher),
    }))
}

/// A recogniser, what it learns from and what it is examined on.
struct Recognition<'a> {
    run: &'a Run,
    trainer: Trainer,
    loader: Loader<Views>,
    examination: Option<Examination>,
}

impl Learner for Recognition<'_> {
    fn step(&mut self) -> Result<(Report, u64)> {
        let views = self.loader.take()?;
        Ok((self.trainer.step(&views)?, views.identities.len() as u64))
    }

    fn state(&self) -> &State {
        self.trainer.state()
    }

    fn examine(&mut self) -> Result<Option<Examined>> {
        let Some(examination) = &self.examination else { return Ok(None) };
        let weights = self.state().best_weights();
        let figures = examination.examine(self.trainer.network(), &weights, self.trainer.device())?;
        Ok(figures.map(|figures| Examined {
            error: figures.error,
            text: format!(
                "error {:.2} % of {} pairs, TAR {:.1} % at FAR 1e-2, {:.1} % at 1e-3",
                100.0 * figures.error,
                figures.mated + figures.non_mated,
                100.0 * figures.tar_at_far_1e2,
                100.0 * figures.tar_at_far_1e3,
            ),
            figures: json!(figures),
        }))
    }

    fn broken(&self) -> usize {
        self.run.maker.broken.lock().map_or(0, |b| b.len())
    }
}
