//! The loop of a run: from a recipe or a checkpoint to the last image.

use super::checkpoint::{self, Header};
use super::events::Events;
use super::progress::Progress;
use super::{Examination, Objective, RunFolder, State, Trainer};
use crate::data::{Dataset, Loader, Maker, Order, generator};
use crate::net::ParameterSet;
use crate::optim::Moments;
use crate::recipe::Recipe;
use crate::teacher::{FeatureCache, HintShape, Teacher, Teaching};
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What does not belong to the recipe: it changes nothing in the outcome.
pub struct Options {
    /// Folder of the models, for the teacher.
    pub models: PathBuf,
    /// Threads that make batches.
    pub threads: usize,
}

/// Begins a run in a new folder.
pub fn start(recipe: &Recipe, out: &Path, options: &Options) -> Result<()> {
    let run = Run::prepare(recipe, options)?;
    let folder = RunFolder::create(out)?;
    folder.write_recipe(recipe, &run.header.data)?;
    let state = run.fresh.clone();
    run.go(&folder, state)
}

/// Goes on with a run, with changes to its recipe if there are any.
pub fn resume(path: &Path, changes: &[String], options: &Options) -> Result<()> {
    let folder = RunFolder::open(path)?;
    let recipe = Recipe::load(&folder.recipe_path(), changes)?;
    let run = Run::prepare(&recipe, options)?;
    if !changes.is_empty() {
        folder.write_recipe(&recipe, &run.header.data)?;
    }
    let state = match folder.checkpoint_path() {
        path if path.exists() => checkpoint::load(&path, &run.header, run.fresh.clone())?,
        _ => run.fresh.clone(),
    };
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
    epoch_len: u64,
}

impl Run {
    fn prepare(recipe: &Recipe, options: &Options) -> Result<Self> {
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
        Ok(Self { recipe: recipe.clone(), maker, hints, header, fresh, threads: options.threads, epoch_len })
    }

    fn total(&self) -> u64 {
        let epochs = self.recipe.train.epochs.unwrap_or_default();
        self.recipe.train.images.unwrap_or((epochs * self.epoch_len as f64).ceil() as u64)
    }

    fn go(&self, folder: &RunFolder, state: State) -> Result<()> {
        let objective = Objective::new(&self.recipe, &state.set, &self.hints)?;
        let device = Device::default().autodiff();
        let (total, seen) = (self.total(), state.seen);
        let trainer = Trainer::new(&self.recipe, state, objective, device, total, self.epoch_len)?;
        let examination = Examination::prepare(&self.maker.dataset, &self.recipe.data)?;
        match &examination {
            Some(e) => log::info!("examined on {} faces", e.faces()),
            None => log::info!("nobody is held out: the last checkpoint is the outcome"),
        }
        let progress = Progress::new(total, seen);
        let events = Events::create(folder.path(), seen)?;
        Loop { run: self, folder, trainer, examination, progress, events, total, watch: Watch::default() }
            .train()
    }
}

fn fresh_state(recipe: &Recipe, hints: &[HintShape], classes: usize) -> State {
    let mut rng = generator(&[recipe.seed]);
    let mut set = ParameterSet::network(recipe.architecture(), &mut rng);
    Objective::extend(&mut set, recipe, hints, classes, &mut rng);
    let averages = recipe.optimiser.average > 0.0;
    let averaged = if averages { set.list.iter().map(|p| p.values.clone()).collect() } else { Vec::new() };
    let moments = Moments::new(&set, recipe.optimiser.kind);
    State { set, moments, averaged, seen: 0 }
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

/// Notices when the loss runs away: its running mean against the lowest that it had.
#[derive(Default)]
struct Watch {
    steps: u64,
    mean: f32,
    lowest: f32,
}

impl Watch {
    fn note(&mut self, loss: f32, images: u64) -> Result<()> {
        self.steps += 1;
        self.mean = if self.steps == 1 { loss } else { 0.98 * self.mean + 0.02 * loss };
        self.lowest = if self.steps == 1 { loss } else { self.lowest.min(self.mean) };
        if self.mean > 2.0 * self.lowest + 1.0 {
            bail!(
                "after {images} images: the loss diverges, its mean is {} after {}; lower the learning rate",
                self.mean,
                self.lowest
            );
        }
        Ok(())
    }
}

struct Loop<'a> {
    run: &'a Run,
    folder: &'a RunFolder,
    trainer: Trainer,
    examination: Option<Examination>,
    progress: Progress,
    events: Events,
    total: u64,
    watch: Watch,
}

impl Loop<'_> {
    fn train(mut self) -> Result<()> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&stop)).context("signals cannot be caught")?;
        }
        let every = Duration::from_secs_f64(60.0 * self.run.recipe.train.checkpoint_minutes);
        let mut saved = Instant::now();
        let mut loader = Loader::start(&self.run.maker, self.trainer.state.seen, self.run.threads)?;
        while self.trainer.state.seen < self.total {
            let before = self.trainer.state.seen;
            self.step(&mut loader)?;
            if self.due(before) {
                self.examine()?;
            }
            if stop.load(Ordering::Relaxed) {
                self.save()?;
                log::info!("stopped; go on with: {}", self.folder.resume_command());
                return Ok(());
            }
            if saved.elapsed() >= every {
                self.save()?;
                saved = Instant::now();
            }
        }
        self.save()?;
        let broken = self.run.maker.broken.lock().map_or(0, |b| b.len());
        log::info!("done: {} images seen, {broken} pictures skipped as broken", self.trainer.state.seen);
        Ok(())
    }

    fn step(&mut self, loader: &mut Loader) -> Result<()> {
        let views = loader.take()?;
        let report = self.trainer.step(&views).with_context(|| {
            format!(
                "training stopped after {} images; the last checkpoint is untouched",
                self.trainer.state.seen
            )
        })?;
        let seen = self.trainer.state.seen;
        self.watch.note(report.loss, seen)?;
        if let Some(line) = self.progress.step(seen, views.identities.len() as u64, report) {
            self.log(&line)?;
        }
        Ok(())
    }

    fn log(&self, line: &serde_json::Value) -> Result<()> {
        self.folder.log(line)?;
        self.events.log(line)
    }

    /// Whether an examination fell due with the last step.
    fn due(&self, before: u64) -> bool {
        let every = self.run.recipe.train.evaluate_every;
        let seen = self.trainer.state.seen;
        seen / every > before / every || seen >= self.total
    }

    fn examine(&mut self) -> Result<()> {
        let Some(examination) = &self.examination else { return Ok(()) };
        let began = Instant::now();
        let weights = self.trainer.best_weights();
        let seen = self.trainer.state.seen;
        if let Some(figures) = examination.examine(self.trainer.network(), &weights, self.trainer.device())? {
            let kept = self.folder.keep_if_best(&self.run.header, &weights, seen, &figures)?;
            log::info!(
                "{seen} images, examined: error {:.2} % of {} pairs, TAR {:.1} % at FAR 1e-2, {:.1} % at 1e-3{}",
                100.0 * figures.error,
                figures.mated + figures.non_mated,
                100.0 * figures.tar_at_far_1e2,
                100.0 * figures.tar_at_far_1e3,
                kept.map(|name| format!("; kept as {name}")).unwrap_or_default()
            );
            self.log(&json!({ "images": seen, "held_out": figures }))?;
        }
        self.progress.pause(began.elapsed());
        Ok(())
    }

    fn save(&self) -> Result<()> {
        checkpoint::save(&self.folder.checkpoint_path(), &self.run.header, &self.trainer.state)?;
        log::info!(
            "checkpoint at {} images; resume: {}",
            self.trainer.state.seen,
            self.folder.resume_command()
        );
        Ok(())
    }
}
