//! Which 256 numbers stand for an activation, from a sample of its values.

use clap::ValueEnum;

/// Of the largest values, one in this many may be cut off.
const PERCENTILE: f64 = 10_000.0;
/// Bins over the sample when errors are compared.
const BINS: usize = 2048;
/// Each end of the range is tried at this many places, each nearer to zero by this factor.
const TRIES: i32 = 24;
const FACTOR: f32 = 0.93;

/// How the range of an activation is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// All of what was seen.
    MinMax,
    /// All but one value in ten thousand at each end.
    Percentile,
    /// The range with the least mean square error over what was seen.
    Mse,
}

/// `(q - zero) * scale` for q from -128 to 127.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// The step.
    pub scale: f32,
    /// What stands for zero.
    pub zero: i8,
}

impl Grid {
    /// The grid that covers a range; zero, which padding consists of, is always on it.
    pub fn over(low: f32, high: f32) -> Self {
        let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
        let scale = ((high - low) / 255.0).max(1e-9) as f32;
        let zero = (-128.0 - low / f64::from(scale)).round().clamp(-128.0, 127.0) as i8;
        Self { scale, zero }
    }

    /// The nearest number of the grid.
    pub fn nearest(self, x: f32) -> f32 {
        let zero = f32::from(self.zero);
        // The difference of two small whole numbers is exact, so that zero stays zero.
        (((x / self.scale).round_ties_even() + zero).clamp(-128.0, 127.0) - zero) * self.scale
    }

    /// Chosen by a rule from the ends of all values and a sample of them by channel; `weights` says how much an
    /// error counts in each channel.
    pub fn choose(ends: [f32; 2], sample: &[Vec<f32>], weights: &[f64], rule: Rule) -> Self {
        match rule {
            Rule::MinMax => Self::over(ends[0], ends[1]),
            Rule::Percentile => {
                let mut all = sample.concat();
                all.sort_unstable_by(f32::total_cmp);
                let cut = (all.len() as f64 / PERCENTILE) as usize;
                let [low, high] = [cut, all.len().saturating_sub(1 + cut)].map(|i| all.get(i).copied());
                Self::over(low.unwrap_or(0.0), high.unwrap_or(0.0))
            }
            Rule::Mse => {
                let end = |f: fn(f32, f32) -> f32| sample.iter().flatten().copied().fold(0.0, f);
                let (low, high) = (end(f32::min), end(f32::max));
                least_error(&Histogram::of(sample, weights, low, high), low, high)
            }
        }
    }
}

struct Histogram {
    /// Middle of the bin and the weight of what is in it; empty bins are left out.
    bins: Vec<(f32, f64)>,
}

impl Histogram {
    fn of(sample: &[Vec<f32>], weights: &[f64], low: f32, high: f32) -> Self {
        let width = (high - low).max(f32::MIN_POSITIVE) / BINS as f32;
        let mut sums = vec![(0.0_f64, 0.0_f64); BINS];
        for (values, weight) in sample.iter().zip(weights) {
            for x in values {
                let (sum, total) = &mut sums[(((x - low) / width) as usize).min(BINS - 1)];
                *sum += f64::from(*x) * weight;
                *total += weight;
            }
        }
        let filled = sums.into_iter().filter(|(_, total)| *total > 0.0);
        Self { bins: filled.map(|(sum, total)| ((sum / total) as f32, total)).collect() }
    }

    /// Square error of a grid. Within the range it is that of a fine distribution, a twelfth of the squared
    /// step; outside it is what is cut off.
    fn error(&self, grid: Grid) -> f64 {
        let ends = [-128.0, 127.0].map(|q: f32| (q - f32::from(grid.zero)) * grid.scale);
        let rounding = f64::from(grid.scale) * f64::from(grid.scale) / 12.0;
        let one = |(x, weight): &(f32, f64)| {
            let beyond = f64::from((ends[0] - x).max(x - ends[1]).max(0.0));
            weight * (beyond * beyond + rounding)
        };
        self.bins.iter().map(one).sum()
    }
}

fn least_error(histogram: &Histogram, low: f32, high: f32) -> Grid {
    let shares = || (0..TRIES).map(|i| FACTOR.powi(i));
    let grids = shares().flat_map(|l| shares().map(move |h| Grid::over(low * l, high * h)));
    let scored = grids.map(|grid| (histogram.error(grid), grid));
    scored.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(Grid::over(low, high), |(_, grid)| grid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_worked_out_by_hand() {
        let grid = Grid::over(-1.0, 4.1);
        // 5.1 / 255 = 0.02; -1 is 50 steps below zero: -128 + 50.
        assert_eq!((grid.scale, grid.zero), (0.02, -78));
        assert!((grid.nearest(0.031) - 0.04).abs() < 1e-6 && (grid.nearest(9.0) - 4.1).abs() < 1e-5);
        assert_eq!((grid.nearest(0.0), Grid::over(2.0, 2.55).zero), (0.0, -128));
        assert_eq!(Grid::over(-1.0, -0.5).zero, 127);
    }

    /// Cubes of uniform sums: most near zero, a few far away.
    fn heavy_tailed() -> Vec<f32> {
        let mut rng = fastrand::Rng::with_seed(1);
        (0..50_000).map(|_| ((0..4).map(|_| rng.f32() - 0.5).sum::<f32>() * 2.0 + 0.5).powi(3)).collect()
    }

    fn choose(sample: &[f32], rule: Rule) -> Grid {
        let end = |f: fn(f32, f32) -> f32| sample.iter().copied().fold(0.0, f);
        Grid::choose([end(f32::min), end(f32::max)], &[sample.to_vec()], &[1.0], rule)
    }

    fn error(sample: &[f32], grid: Grid) -> f64 {
        sample.iter().map(|x| f64::from(x - grid.nearest(*x)).powi(2)).sum::<f64>() / sample.len() as f64
    }

    #[test]
    fn the_least_error_is_less_than_the_others() {
        let sample = heavy_tailed();
        let [all, most, least] =
            [Rule::MinMax, Rule::Percentile, Rule::Mse].map(|rule| error(&sample, choose(&sample, rule)));
        assert!(least < all && least < most, "{all} {most} {least}");
    }

    #[test]
    fn a_percentile_cuts_off_a_lone_giant() {
        let mut sample: Vec<f32> = (0..100_000).map(|i| (i % 1000) as f32 / 1000.0).collect();
        sample[7] = 100.0;
        let length = |rule| choose(&sample, rule).scale * 255.0;
        assert!(
            (length(Rule::MinMax) - 100.0).abs() < 1e-3 && (length(Rule::Percentile) - 0.999).abs() < 1e-3
        );
        assert_eq!([Rule::Mse, Rule::Percentile].map(|rule| choose(&[], rule).zero), [-128; 2]);
    }
    #[test]
    fn channels_that_do_not_count_do_not_widen_the_grid() {
        let line = |length: f32| (0..1000).map(|i| i as f32 / 1000.0 * length).collect::<Vec<_>>();
        let sample = [line(1.0), line(20.0)];
        let length = |weights: [f64; 2]| Grid::choose([0.0; 2], &sample, &weights, Rule::Mse).scale * 255.0;
        // The narrowest grid that is tried has a fifth of the whole range.
        assert!(length([1.0, 1.0]) > 15.0 && length([1.0, 0.0]) < 5.0);
    }
}
