//! What each kernel computes, in plain Rust: the reference for tests, and the fallback.
//!
//! Lengths were checked by the caller ([`crate::Kernels`]).

/// Sum of `a[i] * b[i]`, summed in f64 and rounded once.
#[must_use]
pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>() as f32
}

/// Sum of `a[i] * b[i]`, modulo 2^32: exact up to 131,071 values (131,071 x 128 x 128 < 2^31).
#[must_use]
pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).fold(0, |sum: i32, (&x, &y)| sum.wrapping_add(i32::from(x) * i32::from(y)))
}

/// `out[r]` = dot product of `query` with row `r` of `rows`.
pub fn dot_rows_f32(query: &[f32], rows: &[f32], out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(query.len()).zip(out) {
        *out = dot_f32(query, row);
    }
}

/// `out[r]` = dot product of `query` with row `r` of `rows`.
pub fn dot_rows_i8(query: &[i8], rows: &[i8], out: &mut [i32]) {
    for (row, out) in rows.chunks_exact(query.len()).zip(out) {
        *out = dot_i8(query, row);
    }
}

/// `x` where `x` is not below 0 (0, -0 and NaN stay as they are), `slope * x` below.
#[must_use]
pub fn prelu(x: f32, slope: f32) -> f32 {
    if x < 0.0 { slope * x } else { x }
}

/// [`prelu`] over channel planes in sequence: plane `i` takes slope `i % slopes.len()`.
pub fn prelu_planes(x: &mut [f32], slopes: &[f32], plane: usize) {
    for (values, &slope) in x.chunks_exact_mut(plane).zip(slopes.iter().cycle()) {
        values.iter_mut().for_each(|v| *v = prelu(*v, slope));
    }
}
