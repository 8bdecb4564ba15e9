//! A plain discrete Fourier transform behind the part of rustfft's interface that tract calls.
//!
//! tract links rustfft for operators that face networks do not have. This keeps those operators right, at a
//! cost of n² instead of n log n, in a few hundred bytes instead of 2.4 MB of flash.

use std::marker::PhantomData;
use std::sync::Arc;

use num_complex::Complex;
pub use {num_complex, num_traits};

/// The sign of the exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FftDirection {
    /// exp(-2πi jk / n).
    Forward,
    /// exp(+2πi jk / n), without the division by n, as rustfft does it.
    Inverse,
}

/// Numbers to transform: f32 and f64.
pub trait FftNum:
    Copy + num_traits::FromPrimitive + num_traits::Signed + Sync + Send + std::fmt::Debug + 'static
{
}

impl<T> FftNum for T where
    T: Copy + num_traits::FromPrimitive + num_traits::Signed + Sync + Send + std::fmt::Debug + 'static
{
}

/// Makes transforms of a length.
#[derive(Debug, Default)]
pub struct FftPlanner<T>(PhantomData<T>);

impl<T: FftNum> FftPlanner<T> {
    /// A planner.
    #[must_use]
    pub fn new() -> FftPlanner<T> {
        FftPlanner(PhantomData)
    }

    /// A transform of `len` values.
    pub fn plan_fft(&mut self, len: usize, direction: FftDirection) -> Arc<Dft<T>> {
        let sign = if direction == FftDirection::Forward { -1.0 } else { 1.0 };
        let root = |k: usize| {
            let angle = sign * std::f64::consts::TAU * k as f64 / len as f64;
            let part = |value: f64| T::from_f64(value).unwrap_or_else(T::zero);
            Complex::new(part(angle.cos()), part(angle.sin()))
        };
        Arc::new(Dft { roots: (0..len).map(root).collect() })
    }

    /// A forward transform of `len` values.
    pub fn plan_fft_forward(&mut self, len: usize) -> Arc<Dft<T>> {
        self.plan_fft(len, FftDirection::Forward)
    }
}

/// One transform.
#[derive(Debug)]
pub struct Dft<T> {
    /// The powers 0 to n - 1 of the n-th root of unity.
    roots: Vec<Complex<T>>,
}

impl<T: FftNum> Dft<T> {
    /// Transforms each run of n values in place; a shorter rest stays as it is.
    pub fn process(&self, buffer: &mut [Complex<T>]) {
        let n = self.roots.len();
        for run in buffer.chunks_exact_mut(n.max(1)) {
            let input = run.to_vec();
            for (k, value) in run.iter_mut().enumerate() {
                let products = input.iter().enumerate().map(|(j, &x)| x * self.roots[j * k % n]);
                *value = products.fold(Complex::new(T::zero(), T::zero()), |sum, x| sum + x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy.fft.fft([1, 2j, -1, 3]) and its inverse times 4.
    #[test]
    fn four_values_as_numpy_has_them() {
        let given = [(1.0, 0.0), (0.0, 2.0), (-1.0, 0.0), (3.0, 0.0)].map(|(re, im)| Complex::new(re, im));
        let expected = [(3.0, 2.0), (4.0, 3.0), (-3.0, -2.0), (0.0, -3.0)];
        let mut values = given;
        FftPlanner::<f64>::new().plan_fft_forward(4).process(&mut values);
        for (value, (re, im)) in values.iter().zip(expected) {
            assert!((value - Complex::new(re, im)).norm() < 1e-12, "{values:?}");
        }
        FftPlanner::<f64>::new().plan_fft(4, FftDirection::Inverse).process(&mut values);
        for (value, x) in values.iter().zip(given) {
            assert!((value / 4.0 - x).norm() < 1e-12, "{values:?}");
        }
    }
}
