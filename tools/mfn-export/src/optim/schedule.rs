//! The course of the learning rate.

use crate::recipe::{Schedule, ScheduleKind};

/// The factor on the learning rate after `seen` images of `total`, `epoch_len` an epoch.
pub fn rate(schedule: &Schedule, seen: u64, total: u64, epoch_len: u64) -> f64 {
    let warm = schedule.warm_up;
    if seen < warm {
        return (seen + 1) as f64 / warm as f64;
    }
    let fall = |from: u64| {
        let progress = (seen.saturating_sub(from)) as f64 / total.saturating_sub(from).max(1) as f64;
        0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
    };
    match schedule.kind {
        ScheduleKind::Constant => schedule.anneal_from.map_or(1.0, fall),
        ScheduleKind::Cosine => fall(warm),
        ScheduleKind::Paper => {
            let epoch = seen / epoch_len;
            let tenth = match epoch {
                0..20 => 1.0,
                20..50 => 0.1,
                _ => 0.01,
            };
            tenth * 0.998_f64.powi(epoch as i32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ScheduleKind, warm_up: u64, anneal_from: Option<u64>) -> Schedule {
        Schedule { kind, warm_up, anneal_from }
    }

    #[test]
    fn the_papers_steps() {
        let paper = of(ScheduleKind::Paper, 0, None);
        // 0.1 x 0.998^19, 0.01 x 0.998^20, 0.001 x 0.998^50, 0.001 x 0.998^99, worked out by hand.
        for (epoch, expected) in
            [(0, 0.1), (19, 0.096_267_6), (20, 0.009_607_5), (50, 0.000_904_74), (99, 0.000_820_20)]
        {
            let got = 0.1 * rate(&paper, epoch * 1000 + 999, 100_000, 1000);
            assert!((got / expected - 1.0).abs() < 1e-4, "epoch {epoch}: {got}");
        }
    }

    #[test]
    fn cosine_rises_and_falls() {
        let cosine = of(ScheduleKind::Cosine, 100, None);
        assert!((rate(&cosine, 49, 1100, 10) - 0.5).abs() < 1e-12);
        assert!((rate(&cosine, 100, 1100, 10) - 1.0).abs() < 1e-12);
        assert!((rate(&cosine, 600, 1100, 10) - 0.5).abs() < 1e-12);
        assert!(rate(&cosine, 1100, 1100, 10).abs() < 1e-12);
    }

    #[test]
    fn constant_until_annealed() {
        let constant = of(ScheduleKind::Constant, 0, Some(800));
        assert_eq!(rate(&constant, 799, 1000, 10), 1.0);
        assert!((rate(&constant, 900, 1000, 10) - 0.5).abs() < 1e-12);
        assert_eq!(rate(&of(ScheduleKind::Constant, 0, None), 999, 1000, 10), 1.0);
    }
}
