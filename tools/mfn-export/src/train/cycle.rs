//! The loop of any run: steps, checkpoints, examinations, until the last image or a signal.

use super::RunFolder;
use super::checkpoint::{self, Header};
use super::events::Events;
use super::learning::{Report, State};
use super::progress::Progress;
use crate::recipe::Train;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What is trained.
pub trait Learner {
    /// Learns from the next batch; how many images it had.
    ///
    /// # Errors
    /// When the data or the step fails; the weights are then those of before.
    fn step(&mut self) -> Result<(Report, u64)>;
    /// All numbers that change.
    fn state(&self) -> &State;
    /// Measures the best weights on what is held out; `None` where nothing is or the figures are no numbers.
    ///
    /// # Errors
    /// When the measurement fails.
    fn examine(&mut self) -> Result<Option<Examined>>;
    /// How many pictures were skipped as broken.
    fn broken(&self) -> usize;
}

/// Figures of an examination.
pub struct Examined {
    /// What checkpoints are chosen by; lower is better.
    pub error: f64,
    /// The figures in words.
    pub text: String,
    /// The figures for the metrics.
    pub figures: Value,
}

/// How far a run went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finished {
    /// Its folder.
    pub run: PathBuf,
    /// Images seen.
    pub images: u64,
    /// Images of the whole run; it goes on from where it was stopped.
    pub of: u64,
    /// Pictures skipped as broken.
    pub skipped: usize,
}

/// A run under way.
pub struct Cycle<'a, L> {
    folder: &'a RunFolder,
    header: &'a Header,
    rhythm: &'a Train,
    total: u64,
    learner: L,
    progress: Progress,
    events: Events,
    watch: Watch,
}

impl<'a, L: Learner> Cycle<'a, L> {
    /// The loop over what `learner` learns, until `total` images are seen.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(
        folder: &'a RunFolder,
        header: &'a Header,
        rhythm: &'a Train,
        total: u64,
        learner: L,
    ) -> Result<Self> {
        let seen = learner.state().seen;
        let (progress, events) = (Progress::new(total, seen), Events::create(folder.path(), seen)?);
        Ok(Self { folder, header, rhythm, total, learner, progress, events, watch: Watch::default() })
    }

    /// Trains to the end, or until the process is asked to stop.
    ///
    /// # Errors
    /// When a step, an examination or a checkpoint fails; the last checkpoint stays.
    pub fn run(mut self) -> Result<Finished> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&stop)).context("signals cannot be caught")?;
        }
        let every = Duration::from_secs_f64(60.0 * self.rhythm.checkpoint_minutes);
        let mut saved = Instant::now();
        while self.seen() < self.total {
            let before = self.seen();
            self.step()?;
            if self.due(before) {
                self.examine()?;
            }
            if stop.load(Ordering::Relaxed) {
                self.save()?;
                log::info!("stopped; go on with: {}", self.folder.resume_command());
                return Ok(self.finished());
            }
            if saved.elapsed() >= every && self.seen() < self.total {
                self.save()?;
                saved = Instant::now();
            }
        }
        self.save()?;
        log::info!("done: {} images seen, {} pictures skipped as broken", self.seen(), self.learner.broken());
        Ok(self.finished())
    }

    fn finished(&self) -> Finished {
        Finished {
            run: self.folder.path().into(),
            images: self.seen(),
            of: self.total,
            skipped: self.learner.broken(),
        }
    }

    fn seen(&self) -> u64 {
        self.learner.state().seen
    }

    fn step(&mut self) -> Result<()> {
        let before = self.seen();
        let (report, images) = self.learner.step().with_context(|| {
            format!("training stopped after {before} images; the last checkpoint is untouched")
        })?;
        let seen = self.seen();
        self.watch.note(report.loss, seen)?;
        if let Some(line) = self.progress.step(seen, images, report) {
            self.log(&line)?;
        }
        Ok(())
    }

    fn log(&self, line: &Value) -> Result<()> {
        self.folder.log(line)?;
        self.events.log(line)
    }

    /// Whether an examination fell due with the last step.
    fn due(&self, before: u64) -> bool {
        let every = self.rhythm.evaluate_every;
        self.seen() / every > before / every || self.seen() >= self.total
    }

    fn examine(&mut self) -> Result<()> {
        let began = Instant::now();
        let seen = self.seen();
        if let Some(examined) = self.learner.examine()? {
            let weights = self.learner.state().best_weights();
            let kept = self.folder.keep_if_best(self.header, &weights, seen, examined.error)?;
            let kept = kept.map(|name| format!("; kept as {name}")).unwrap_or_default();
            log::info!("{seen} images, examined: {}{kept}", examined.text);
            self.log(&json!({ "images": seen, "held_out": examined.figures }))?;
        }
        self.progress.pause(began.elapsed());
        Ok(())
    }

    fn save(&self) -> Result<()> {
        checkpoint::save(&self.folder.checkpoint_path(), self.header, self.learner.state())?;
        log::info!("checkpoint at {} images; resume: {}", self.seen(), self.folder.resume_command());
        Ok(())
    }
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
