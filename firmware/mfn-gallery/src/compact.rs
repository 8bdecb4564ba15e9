//! An 8-bit copy of the templates for a first look: a quarter of the memory traffic, and a proven
//! bound of its error.
//!
//! A template is `v = s q + e` with whole `q` of -127 to 127, scale `s` and residual `e`; a probe
//! `p = t r + f` likewise. Then `v.p = s t (q.r) + (s q).f + e.p`, and by Cauchy-Schwarz the last two
//! terms are at most `|s q| |f| + |e| |p| <= (|v| + |e|) |f| + |e| |p|` in magnitude.

use crate::edit::LENGTH_TOLERANCE;
use crate::rows::Rows;
use mfn_kernels::Kernels;

/// Rows multiplied at a time.
const CHUNK: usize = 64;
/// Longest template that a snapshot may hold.
const LENGTH: f32 = 1.0 + LENGTH_TOLERANCE;

/// 8-bit rows with what their bound needs.
pub(crate) struct Compact {
    rows: Rows<i8>,
    /// `s` of each row.
    scales: Vec<f32>,
    /// `|e|` of each row.
    residuals: Vec<f32>,
}

/// The same of one probe.
pub(crate) struct CompactProbe {
    values: Vec<i8>,
    scale: f32,
    residual: f32,
}

impl Compact {
    /// The copy.
    pub(crate) fn of(rows: &Rows) -> Compact {
        let mut copy = Rows::<i8>::zeroed(rows.dimension(), rows.count());
        let (mut scales, mut residuals) = (Vec::new(), Vec::new());
        scales.reserve_exact(rows.count());
        residuals.reserve_exact(rows.count());
        let exact = rows.values().chunks_exact(rows.dimension());
        for (exact, row) in exact.zip(copy.values_mut().chunks_exact_mut(rows.dimension())) {
            let (scale, residual) = quantise(exact, row);
            scales.push(scale);
            residuals.push(residual);
        }
        Compact { rows: copy, scales, residuals }
    }

    /// What the similarities of the rows from `first` on, as the exact kernel computes them, are not
    /// greater than.
    pub(crate) fn upper_limits(&self, probe: &CompactProbe, first: usize, limits: &mut [f32]) {
        let dimension = self.rows.dimension();
        let rows = &self.rows.values()[first * dimension..][..limits.len() * dimension];
        // The exact kernel's own rounding (`Kernels::dot_f32`), and that of the arithmetic below.
        let rounding = dimension as f32 * f32::EPSILON * LENGTH * LENGTH + 1e-5;
        let fixed = LENGTH * probe.residual + rounding;
        let scales = &self.scales[first..];
        let residuals = &self.residuals[first..];
        let mut dots = [0i32; CHUNK];
        for (i, limits) in limits.chunks_mut(dots.len()).enumerate() {
            let (start, dots) = (i * CHUNK, &mut dots[..limits.len()]);
            Kernels::detect().dot_rows_i8(
                &probe.values,
                &rows[start * dimension..][..dots.len() * dimension],
                dots,
            );
            let bounds = scales[start..].iter().zip(&residuals[start..]);
            for ((limit, &dot), (scale, residual)) in limits.iter_mut().zip(&*dots).zip(bounds) {
                *limit = dot as f32 * (scale * probe.scale) + residual * (LENGTH + probe.residual) + fixed;
            }
        }
    }
}

impl CompactProbe {
    /// Quantises a probe.
    pub(crate) fn of(probe: &[f32]) -> CompactProbe {
        let mut values = vec![0; probe.len()];
        let (scale, residual) = quantise(probe, &mut values);
        CompactProbe { values, scale, residual }
    }
}

/// Fills the 8-bit copy of a vector; returns its scale and the length of what the copy leaves out.
fn quantise(exact: &[f32], copy: &mut [i8]) -> (f32, f32) {
    let largest = exact.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let scale = largest / 127.0;
    let mut left_out = 0.0f64;
    for (&v, q) in exact.iter().zip(copy) {
        // Rounds (`round` is a call into the C library on the oldest x86-64).
        *q = (v / scale + 0.5f32.copysign(v)) as i8;
        left_out += (f64::from(v) - f64::from(scale) * f64::from(*q)).powi(2);
    }
    // Rounded up, as this becomes part of a bound.
    (scale, (left_out.sqrt() * (1.0 + 1e-6)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_template::Template;
    use proptest::prelude::*;

    /// Even and lopsided vectors: a large value makes the steps of all others coarse.
    fn vector() -> impl Strategy<Value = Template> {
        (proptest::collection::vec(-1.0f32..1.0, 70), 0usize..70, 0.0f32..200.0).prop_map(
            |(mut v, at, spike)| {
                v[at] += spike;
                Template::normalise(&v).unwrap()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        /// The limit holds, and is no further off than twice what the residuals allow.
        #[test]
        fn the_limit_holds(templates in proptest::collection::vec(vector(), 1..150), probe in vector()) {
            let mut rows = Rows::zeroed(70, templates.len());
            templates.iter().enumerate().for_each(|(i, t)| rows.row_mut(i).copy_from_slice(t.values()));
            let compact = Compact::of(&rows);
            let compact_probe = CompactProbe::of(probe.values());
            let mut limits = vec![0.0; templates.len()];
            compact.upper_limits(&compact_probe, 0, &mut limits);
            for (i, limit) in limits.into_iter().enumerate() {
                let exact = mfn_kernels::dot_f32(probe.values(), rows.row(i));
                let loosest = 2.1 * (compact.residuals[i] + compact_probe.residual) + 1e-3;
                prop_assert!(exact <= limit && limit <= exact + loosest, "{} for {}", limit, exact);
            }
        }
    }

    /// What rounding leaves out, against the textbook value.
    #[test]
    fn little_is_left_out() {
        let wave: Vec<f32> = (0..512).map(|i| (f64::from(i) * 1.7).sin() as f32).collect();
        let template = Template::normalise(&wave).unwrap();
        let probe = CompactProbe::of(template.values());
        // A uniform error within one step: step / sqrt(12) for each of 512 values.
        let expected = probe.scale * (512.0f32 / 12.0).sqrt();
        assert!((probe.residual / expected - 1.0).abs() < 0.1, "{} for {expected}", probe.residual);
    }
}
