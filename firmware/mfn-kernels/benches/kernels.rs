//! Time of each kernel at each level that this CPU has: a template's dot product, a scan over
//! 1,000 templates, and the largest PReLU of MobileFaceNet (64 planes of 56 x 56).

use criterion::{Criterion, criterion_group, criterion_main};
use mfn_kernels::{Kernels, Level};
use std::hint::black_box;

fn kernels(c: &mut Criterion) {
    let a: Vec<f32> = (0..512).map(|i| (i as f32).sin()).collect();
    let rows: Vec<f32> = (0..512_000).map(|i| (i as f32).cos()).collect();
    let a8: Vec<i8> = a.iter().map(|v| (v * 127.0) as i8).collect();
    let rows8: Vec<i8> = rows.iter().map(|v| (v * 127.0) as i8).collect();
    // In place and again and again: any slope but 1 would end in subnormal numbers, which are slow.
    let slopes = vec![1.0f32; 64];
    for k in Level::ALL.into_iter().filter_map(Kernels::at) {
        let level = k.level();
        c.bench_function(&format!("dot_f32/512/{level}"), |b| {
            b.iter(|| k.dot_f32(black_box(&a), &rows[..512]))
        });
        c.bench_function(&format!("dot_i8/512/{level}"), |b| {
            b.iter(|| k.dot_i8(black_box(&a8), &rows8[..512]))
        });
        let mut out = vec![0.0; 1000];
        c.bench_function(&format!("dot_rows_f32/1000x512/{level}"), |b| {
            b.iter(|| k.dot_rows_f32(black_box(&a), &rows, &mut out));
        });
        let mut out8 = vec![0; 1000];
        c.bench_function(&format!("dot_rows_i8/1000x512/{level}"), |b| {
            b.iter(|| k.dot_rows_i8(black_box(&a8), &rows8, &mut out8));
        });
        let mut x = rows[..64 * 56 * 56].to_vec();
        c.bench_function(&format!("prelu_planes/64x56x56/{level}"), |b| {
            b.iter(|| k.prelu_planes(black_box(&mut x), &slopes, 56 * 56));
        });
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
