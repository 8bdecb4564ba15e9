//! The values that no recipe can have.

use super::{Augment, Data, HeldOut, Hint, Margin, Optimiser, Recipe, Schedule, Train};
use crate::arch::Architecture;
use anyhow::{Result, ensure};

/// Of these each examination makes a score, and keeps them all.
const MOST_PAIRS: usize = 1_000_000;
/// A checkpoint at least every so many minutes: a year.
const MOST_MINUTES: f64 = 525_600.0;

impl Recipe {
    /// The network that `network` names; `check` has made sure of it.
    pub fn architecture(&self) -> Architecture {
        Architecture::by_name(&self.network).expect("the recipe was checked")
    }

    pub(super) fn check(&self) -> Result<()> {
        let names = Architecture::ALL.map(Architecture::name).join(" or ");
        ensure!(
            Architecture::by_name(&self.network).is_some(),
            "network `{}` is unknown; it is {names}",
            self.network
        );
        self.data.check()?;
        self.augment.check()?;
        self.optimiser.check()?;
        self.train.check()?;
        self.schedule.check(&self.train)?;
        self.check_losses()
    }

    fn check_losses(&self) -> Result<()> {
        let (teacher, margin) = (self.teacher.as_ref(), self.margin.as_ref());
        ensure!(
            teacher.is_some() || margin.is_some(),
            "there is nothing to learn from: give [teacher] or [margin]"
        );
        if let Some(teacher) = teacher {
            ensure!(
                teacher.cache.is_none() || teacher.hints.is_empty(),
                "teacher.hint needs the teacher at every step: leave teacher.cache out"
            );
            check_hints(&teacher.hints)?;
        }
        not_negative("distil.cosine", self.distil.cosine)?;
        not_negative("distil.pairwise", self.distil.pairwise)?;
        if let Some(margin) = margin {
            margin.check()?;
            ensure!(
                self.data.sources.iter().any(|s| s.labelled),
                "margin needs identities: no source is labelled"
            );
        }
        Ok(())
    }
}

fn check_hints(hints: &[Hint]) -> Result<()> {
    for (number, Hint { stage, weight, .. }) in hints.iter().enumerate() {
        ensure!(
            ["body1", "body2", "body3"].contains(&stage.as_str()),
            "teacher.hint.stage `{stage}` is unknown; it is body1, body2 or body3"
        );
        // Each stage has one adapter, which is called after it.
        ensure!(hints[..number].iter().all(|h| h.stage != *stage), "teacher.hint: there are two for {stage}");
        not_negative("teacher.hint.weight", *weight)?;
    }
    Ok(())
}

impl Margin {
    fn check(&self) -> Result<()> {
        ensure!(
            self.centres > 0.0 && self.centres <= 1.0,
            "margin.centres is {}: it is a share above 0 and up to 1",
            self.centres
        );
        let scale = self.scale > 0.0 && self.scale.is_finite();
        ensure!(scale, "margin.scale is {}: it must be above 0 and finite", self.scale);
        not_negative("margin.margin", self.margin)?;
        not_negative("margin.weight", self.weight)
    }
}

fn not_negative(name: &str, value: impl Into<f64>) -> Result<()> {
    let value = value.into();
    ensure!(value >= 0.0 && value.is_finite(), "{name} is {value}: it cannot be negative and must be finite");
    Ok(())
}

impl Data {
    fn check(&self) -> Result<()> {
        ensure!(!self.sources.is_empty(), "data.sources is empty: name an archive or a folder");
        for source in &self.sources {
            ensure!(
                source.share > 0.0 && source.share <= 1000.0,
                "data.sources.share of {} is {}: it must be above 0 and at most 1000",
                source.path,
                source.share
            );
        }
        let HeldOut { one_in, pairs, most_images, .. } = self.held_out;
        ensure!(one_in != 1, "data.held_out.one_in is 1: nobody would be left to train on");
        ensure!(
            (1..=MOST_PAIRS).contains(&pairs),
            "data.held_out.pairs is {pairs}: it is from 1 to {MOST_PAIRS}"
        );
        ensure!(most_images >= 2, "data.held_out.most_images is {most_images}: a mated pair needs 2");
        Ok(())
    }
}

impl Augment {
    fn check(&self) -> Result<()> {
        let probabilities = [
            ("flip", self.flip),
            ("affine", self.affine),
            ("colour", self.colour),
            ("grey", self.grey),
            ("blur", self.blur),
            ("jpeg", self.jpeg),
            ("low_resolution", self.low_resolution),
            ("erase", self.erase),
        ];
        for (name, p) in probabilities {
            ensure!((0.0..=1.0).contains(&p), "augment.{name} is {p}: a probability is from 0 to 1");
        }
        ensure!((0.0..0.5).contains(&self.scale), "augment.scale is {}: it is from 0 to 0.5", self.scale);
        for (name, value, most) in [("rotate", self.rotate, 180.0), ("shift", self.shift, 112.0)] {
            ensure!((0.0..=most).contains(&value), "augment.{name} is {value}: it is from 0 to {most}");
        }
        ensure!(
            (8..=112).contains(&self.smallest_side),
            "augment.smallest_side is {}: it is from 8 to 112",
            self.smallest_side
        );
        ensure!(
            (0.0..=1.0).contains(&self.colour_strength),
            "augment.colour_strength is {}: it is from 0 to 1",
            self.colour_strength
        );
        Ok(())
    }
}

impl Optimiser {
    pub(super) fn check(&self) -> Result<()> {
        let positive = self.learning_rate > 0.0 && self.learning_rate.is_finite();
        ensure!(positive, "optimiser.learning_rate is {}: it must be above 0", self.learning_rate);
        for (name, value) in [("momentum", self.momentum), ("beta2", self.beta2), ("average", self.average)] {
            ensure!((0.0..1.0).contains(&value), "optimiser.{name} is {value}: it is from 0 to below 1");
        }
        not_negative("optimiser.weight_decay", self.weight_decay)?;
        not_negative("optimiser.sam_rho", self.sam_rho)?;
        not_negative("optimiser.clip", self.clip)
    }
}

impl Train {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.images.is_some() != self.epochs.is_some(),
            "train.images or train.epochs: give one of the two"
        );
        ensure!((2..=4096).contains(&self.batch), "train.batch is {}: it is from 2 to 4096", self.batch);
        ensure!(self.images != Some(0), "train.images is 0: there is nothing to do");
        let epochs = self.epochs.unwrap_or(1.0);
        ensure!(
            epochs > 0.0 && epochs.is_finite(),
            "train.epochs is {epochs}: it must be above 0 and finite"
        );
        let minutes = self.checkpoint_minutes;
        ensure!(
            minutes > 0.0 && minutes <= MOST_MINUTES,
            "train.checkpoint_minutes is {minutes}: it must be above 0 and at most {MOST_MINUTES}"
        );
        ensure!(self.evaluate_every > 0, "train.evaluate_every must be above 0");
        Ok(())
    }
}

impl Schedule {
    pub(super) fn check(&self, train: &Train) -> Result<()> {
        let end = train.images.unwrap_or(u64::MAX);
        ensure!(self.warm_up < end, "schedule.warm_up is {}: the run ends before", self.warm_up);
        ensure!(
            self.anneal_from.is_none_or(|from| from < end),
            "schedule.anneal_from is beyond the end of the run"
        );
        Ok(())
    }
}
