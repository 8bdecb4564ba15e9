//! What a run says while it goes: a bar on a terminal, else a line now and then, and metrics.

use super::learning::Report;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Seconds between lines where there is no terminal.
const LINE: Duration = Duration::from_secs(60);
/// Steps whose mean makes one line of metrics.
const WINDOW: usize = 20;

/// Counts images and collects losses between two lines of metrics.
pub struct Progress {
    bar: ProgressBar,
    total: u64,
    began: Instant,
    began_at: u64,
    last_line: Instant,
    window: Vec<Report>,
    window_began: Instant,
    window_images: u64,
}

impl Progress {
    /// A run of `total` images that has `seen` some.
    pub fn new(total: u64, seen: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} images {msg}");
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(seen);
        let now = Instant::now();
        Self {
            bar,
            total,
            began: now,
            began_at: seen,
            last_line: now,
            window: Vec::new(),
            window_began: now,
            window_images: 0,
        }
    }

    /// Takes note of a step; a line of metrics when a window is full.
    pub fn step(&mut self, seen: u64, images: u64, report: Report) -> Option<Value> {
        let message = self.message(seen, report.loss);
        self.bar.set_position(seen);
        self.bar.set_message(message.clone());
        if self.bar.is_hidden() && self.last_line.elapsed() >= LINE {
            self.last_line = Instant::now();
            log::info!("{seen}/{} images, {message}", self.total);
        }
        self.window.push(report);
        self.window_images += images;
        (self.window.len() == WINDOW).then(|| self.close_window(seen))
    }

    /// Time that was not training, such as an examination, does not count.
    pub fn pause(&mut self, taken: Duration) {
        self.began += taken;
        self.window_began += taken;
    }

    fn message(&self, seen: u64, loss: f32) -> String {
        let speed = (seen - self.began_at) as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        let left = (self.total.saturating_sub(seen)) as f64 / speed.max(1e-9);
        format!("loss {loss:.4}, {speed:.1} images/s, {} left", duration(left))
    }

    fn close_window(&mut self, seen: u64) -> Value {
        let mean = |of: &dyn Fn(&Report) -> f32| -> f32 {
            self.window.iter().map(of).sum::<f32>() / self.window.len() as f32
        };
        let last = &self.window[self.window.len() - 1];
        let mut line = Map::new();
        line.insert("images".into(), json!(seen));
        line.insert("loss".into(), json!(mean(&|r| r.loss)));
        for (name, mean) in means_of_parts(&self.window) {
            line.insert(name.into(), json!(mean));
        }
        line.insert("gradient".into(), json!(mean(&|r| r.gradient as f32)));
        line.insert("learning_rate".into(), json!(last.rate));
        let speed = self.window_images as f64 / self.window_began.elapsed().as_secs_f64();
        line.insert("images_per_second".into(), json!((speed * 100.0).round() / 100.0));
        self.window.clear();
        self.window_images = 0;
        self.window_began = Instant::now();
        Value::Object(line)
    }
}

/// Each loss over the steps that have it: a batch in which nobody is labelled has no margin loss.
fn means_of_parts(window: &[Report]) -> BTreeMap<&str, f32> {
    let mut sums = BTreeMap::<&str, (f32, f32)>::new();
    for (name, value) in window.iter().flat_map(|report| &report.parts) {
        let (sum, count) = sums.entry(name).or_default();
        *sum += value;
        *count += 1.0;
    }
    sums.into_iter().map(|(name, (sum, count))| (name, sum / count)).collect()
}

fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    format!("{}:{:02} h", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_some_steps_lack_is_averaged_over_the_others() {
        let mut progress = Progress::new(1000, 0);
        let mut line = None;
        for step in 0..WINDOW {
            let mut parts = vec![("cosine".to_string(), 0.5)];
            // As with a margin loss: every other batch has nobody labelled.
            if step % 2 == 1 {
                parts.push(("margin".to_string(), step as f32));
            }
            let report = Report { loss: 1.0, parts, gradient: 0.0, rate: 0.1 };
            assert!(line.is_none());
            line = progress.step(step as u64 + 1, 1, report);
        }
        let line = line.expect("a full window makes a line");
        assert_eq!((&line["cosine"], &line["margin"]), (&json!(0.5_f32), &json!(10.0_f32)));
    }
}
