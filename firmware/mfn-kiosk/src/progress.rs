//! Signs of life on standard error for work that may take longer than a second; silent where standard
//! error is not a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner with words, shown until it is dropped.
pub struct Working(ProgressBar);

impl Working {
    /// Begins.
    pub fn on(what: &str) -> Working {
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Working(bar)
    }

    /// Begins something of so many parts.
    pub fn through(parts: usize, what: &str) -> Working {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
        let bar = ProgressBar::new(parts as u64).with_message(what.to_owned());
        Working(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// One part is done.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// A line that stays: also where standard error is no terminal.
    pub fn tell(&self, what: &str) {
        self.0.suspend(|| eprintln!("{what}"));
    }

    /// Other words.
    pub fn say(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
