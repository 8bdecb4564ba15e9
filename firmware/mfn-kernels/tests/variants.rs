//! One set of properties that every variant of every kernel passes, each under its own name. A
//! variant that this CPU lacks prints `skipped`: AVX2 is tested on AVX-512 machines too, and the
//! ARM variants under qemu as cortex-a53 and cortex-a76.

#[macro_use]
mod common;

use mfn_kernels::{Kernels, Level, scalar};
use proptest::prelude::*;

/// Few under an emulator, which is 30 to 60 times slower.
const CASES: u32 = if cfg!(target_arch = "aarch64") { 32 } else { 256 };

fn config() -> ProptestConfig {
    ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() }
}

/// Two slices of one length (0 to 200, most of them odd), each beginning off its alignment.
fn pairs<T: std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = (Vec<T>, Vec<T>, usize)> {
    (0usize..200, 0usize..4).prop_flat_map(move |(n, skip)| {
        let values = || proptest::collection::vec(value.clone(), n + skip);
        (values(), values(), Just(skip))
    })
}

/// The bound that `Kernels::dot_f32` documents.
fn tolerance(a: &[f32], b: &[f32]) -> f64 {
    let magnitude: f64 = a.iter().zip(b).map(|(&x, &y)| (f64::from(x) * f64::from(y)).abs()).sum();
    a.len() as f64 * f64::from(f32::EPSILON) * magnitude + f64::from(f32::MIN_POSITIVE)
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

fn any_f32() -> impl Strategy<Value = f32> + Clone {
    let special = [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, -1e-45];
    prop_oneof![4 => -10.0f32..10.0, 1 => proptest::sample::select(special.to_vec())]
}

fn dot_f32_is_within_its_bound(k: Kernels) {
    proptest!(config(), |((a, b, skip) in pairs(-10.0f32..10.0))| {
        let (a, b) = (&a[skip..], &b[skip..]);
        let exact: f64 = a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
        let got = f64::from(k.dot_f32(a, b));
        prop_assert!((got - exact).abs() <= tolerance(a, b), "{got} for {exact}");
    });
}

fn dot_f32_keeps_nan_and_infinity(k: Kernels) {
    for n in [1, 3, 4, 7, 8, 15, 16, 17, 33, 64, 65, 67] {
        for at in 0..n {
            let ones = vec![1.0; n];
            let with = |value: f32| (0..n).map(|i| if i == at { value } else { 1.0 }).collect::<Vec<_>>();
            assert!(k.dot_f32(&with(f32::NAN), &ones).is_nan(), "NaN at {at} of {n}");
            assert!(k.dot_f32(&ones, &with(f32::NAN)).is_nan(), "NaN at {at} of {n}");
            assert_eq!(k.dot_f32(&with(f32::INFINITY), &ones), f32::INFINITY, "at {at} of {n}");
            assert_eq!(k.dot_f32(&ones, &with(f32::NEG_INFINITY)), f32::NEG_INFINITY, "at {at} of {n}");
            assert!(k.dot_f32(&with(f32::INFINITY), &with(0.0)).is_nan(), "infinity times 0 at {at} of {n}");
        }
    }
}

fn dot_i8_is_exact(k: Kernels) {
    proptest!(config(), |((a, b, skip) in pairs(any::<i8>()))| {
        prop_assert_eq!(k.dot_i8(&a[skip..], &b[skip..]), scalar::dot_i8(&a[skip..], &b[skip..]));
    });
    for n in [512, 131_071] {
        assert_eq!(k.dot_i8(&vec![i8::MIN; n], &vec![i8::MIN; n]), (n * 128 * 128) as i32);
        assert_eq!(k.dot_i8(&vec![i8::MAX; n], &vec![i8::MIN; n]), -((n * 127 * 128) as i32));
    }
}

fn dot_rows_are_the_dots_of_rows(k: Kernels) {
    let rows = (1usize..90, 0usize..9).prop_flat_map(|(width, rows)| {
        (proptest::collection::vec(-127i8..=127, width), proptest::collection::vec(any::<i8>(), width * rows))
    });
    proptest!(config(), |((query, rows) in rows)| {
        let width = query.len();
        let mut out = vec![0; rows.len() / width];
        k.dot_rows_i8(&query, &rows, &mut out);
        let wanted: Vec<i32> = rows.chunks_exact(width).map(|row| k.dot_i8(&query, row)).collect();
        prop_assert_eq!(out, wanted);
        let real = |v: &[i8]| v.iter().map(|&v| f32::from(v) / 100.0).collect::<Vec<f32>>();
        let (query, rows) = (real(&query), real(&rows));
        let mut out = vec![0.0; rows.len() / width];
        k.dot_rows_f32(&query, &rows, &mut out);
        let wanted: Vec<f32> = rows.chunks_exact(width).map(|row| k.dot_f32(&query, row)).collect();
        prop_assert_eq!(out, wanted);
    });
}

fn prelu_is_the_reference_to_the_bit(k: Kernels) {
    let images =
        (1usize..5, 1usize..40, 0usize..3, 0usize..4).prop_flat_map(|(planes, plane, images, skip)| {
            let x = proptest::collection::vec(any_f32(), skip + images * planes * plane);
            (x, proptest::collection::vec(any_f32(), planes), Just(plane), Just(skip))
        });
    proptest!(config(), |((mut x, slopes, plane, skip) in images)| {
        let before = x.clone();
        let mut wanted = x.clone();
        scalar::prelu_planes(&mut wanted[skip..], &slopes, plane);
        k.prelu_planes(&mut x[skip..], &slopes, plane);
        prop_assert!(x.iter().zip(&wanted).all(|(&a, &b)| same(a, b)), "{:?} for {:?} of {:?}", x, wanted, before);
    });
}

variants! {
    {
        dot_f32_is_within_its_bound: super::dot_f32_is_within_its_bound;
        dot_f32_keeps_nan_and_infinity: super::dot_f32_keeps_nan_and_infinity;
        dot_i8_is_exact: super::dot_i8_is_exact;
        dot_rows_are_the_dots_of_rows: super::dot_rows_are_the_dots_of_rows;
        prelu_is_the_reference_to_the_bit: super::prelu_is_the_reference_to_the_bit;
    }
    scalar_reference: Level::Scalar;
    avx2: Level::Avx2;
    avx512: Level::Avx512;
    avx512vnni: Level::Avx512Vnni;
    neon: Level::Neon;
    neon_dotprod: Level::NeonDotProd;
}

#[test]
fn the_best_level_is_available_and_not_below_the_architecture() {
    let best = Kernels::detect().level();
    assert!(best.is_available());
    assert_eq!(best == Level::Scalar, !cfg!(target_arch = "aarch64") && !Level::Avx2.is_available());
}

/// Worked out by hand.
#[test]
fn references_by_hand() {
    assert_eq!(scalar::dot_f32(&[1.0, 2.0, 3.0], &[4.0, -5.0, 6.0]), 12.0);
    assert_eq!(scalar::dot_i8(&[1, -128, 3], &[4, -128, -6]), 16_370);
    let mut x = [-2.0, 1.0, -4.0, 0.0, 5.0, -6.0, -8.0, 2.0];
    mfn_kernels::prelu_planes(&mut x, &[0.5, -0.25], 2);
    assert_eq!(x, [-1.0, 1.0, 1.0, 0.0, 5.0, -3.0, 2.0, 2.0]);
}

#[test]
#[should_panic(expected = "not whole images")]
fn half_an_image_is_refused() {
    mfn_kernels::prelu_planes(&mut [0.0; 6], &[0.1, 0.2], 2);
}

#[test]
#[should_panic(expected = "different lengths")]
fn different_lengths_are_refused() {
    let _ = mfn_kernels::dot_f32(&[0.0; 6], &[0.0; 5]);
}
