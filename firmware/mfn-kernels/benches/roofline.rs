//! The paper's network layer by layer: best time of each, and its share of the core's peak FMA rate.
//!
//! `cargo bench -p mfn-kernels --bench roofline -- SCALE [PEAK]`: scale 1 or 2; PEAK in GFLOP/s where this program
//! does not measure it, without AVX-512. Prints a Markdown table.

use mfn_kernels::Kernels;
#[cfg(target_arch = "x86_64")]
use mfn_kernels::Level;
use mfn_kernels::conv::{Buffer, Fused, Kind, Shape};
use std::time::{Duration, Instant};

const ROUNDS: usize = 200;
/// Channels in and out (times the scale), expansion, repeat, stride, as in the paper's table.
const STAGES: [[usize; 5]; 6] = [
    [64, 64, 128, 1, 2],
    [64, 64, 128, 4, 1],
    [64, 128, 256, 1, 2],
    [128, 128, 256, 6, 1],
    [128, 128, 512, 1, 2],
    [128, 128, 256, 2, 1],
];

fn layers(scale: usize) -> Vec<Shape> {
    let shape = |kind, inputs, outputs, side| Shape { kind, inputs, outputs, size: [side, side] };
    let pointwise = |inputs, outputs, side| shape(Kind::Pointwise, inputs, outputs, side);
    let planes = |stride, fan, channels, side| shape(Kind::Planes { stride, fan }, channels, channels, side);
    let mut all = vec![shape(Kind::Stem, 3, 64 * scale, 112), planes(1, scale, 64 * scale, 56)];
    let mut side = 56;
    for [inputs, outputs, wide, repeat, stride] in STAGES {
        for _ in 0..repeat {
            all.push(pointwise(inputs * scale, wide, side));
            all.push(planes(stride, 1, wide, side));
            side /= stride;
            all.push(pointwise(wide, outputs * scale, side));
        }
    }
    all.extend([pointwise(128 * scale, 512, 7), shape(Kind::Global, 512, 512, 7), pointwise(512, 512, 1)]);
    all
}

fn filled(length: usize) -> Buffer {
    let mut buffer = Buffer::new(length);
    buffer.fill(0.01);
    buffer
}

/// The best time of each layer, run one behind the other as the network does.
fn measure(layers: &[Shape]) -> Vec<Duration> {
    let weights: Vec<_> = layers.iter().map(|s| (filled(s.packed_len()), filled(s.outputs))).collect();
    let largest = layers.iter().map(|s| s.input_len().max(s.output_len())).max().unwrap_or(0);
    let (mut from, mut to, mut scratch) = (filled(largest), filled(largest), Vec::new());
    let mut best = vec![Duration::MAX; layers.len()];
    for _ in 0..ROUNDS {
        for ((shape, (packed, bias)), best) in layers.iter().zip(&weights).zip(&mut best) {
            let start = Instant::now();
            let fused = Fused { bias, bend: bias, residual: &[] };
            let (input, output) = (&from[..shape.input_len()], &mut to[..shape.output_len()]);
            Kernels::detect().conv_infer(shape, input, packed, fused, output, &mut scratch);
            *best = start.elapsed().min(*best);
            std::mem::swap(&mut from, &mut to);
        }
    }
    best
}

/// Sixteen sums of sixteen values in registers, so many fused multiply-adds each: in assembly, since a compiler that
/// is told to save space keeps them in memory.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn registers_alone(rounds: usize) {
    macro_rules! add {
        ($($sum:literal)*) => { concat!($("vfmadd231ps zmm", $sum, ", zmm16, zmm16\n",)*) };
    }
    // SAFETY: AVX-512 is there; nothing but registers is touched, all of which are named.
    unsafe {
        std::arch::asm!(
            "vpxord zmm16, zmm16, zmm16",
            "2:",
            add!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15),
            "dec {rounds}",
            "jnz 2b",
            rounds = inout(reg) rounds => _,
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _,
            out("zmm6") _, out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
            out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _, out("zmm16") _,
            options(nomem, nostack)
        );
    }
}

/// The core's peak in GFLOP/s, the best of many runs.
fn measured_peak() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if matches!(Kernels::detect().level(), Level::Avx512 | Level::Avx512Vnni) {
        const ADDS: usize = 100_000;
        let time = |_| {
            let start = Instant::now();
            // SAFETY: kernels of this level are chosen only where the CPU has AVX-512.
            unsafe { registers_alone(ADDS) };
            start.elapsed().as_secs_f64()
        };
        let best = (0..ROUNDS).map(time).fold(f64::INFINITY, f64::min);
        return Some((ADDS * 16 * 16 * 2) as f64 / best / 1e9);
    }
    None
}

fn main() {
    // cargo adds `--bench`.
    let mut numbers = std::env::args().filter_map(|arg| arg.parse::<f64>().ok());
    let Some(scale) = numbers.next() else {
        println!("skipped: name a scale (1 or 2)");
        return;
    };
    let Some(peak) = numbers.next().or_else(measured_peak) else {
        println!("skipped: name the core's peak in GFLOP/s behind the scale");
        return;
    };
    let layers = layers(scale as usize);
    println!(
        "peak of registers alone: {peak:.1} GFLOP/s\n\n| layer | channels | input | MMAC | us | of peak |\n| --- | --- | --- | --- | --- | --- |"
    );
    let mut done: Vec<Shape> = Vec::new();
    let times = measure(&layers);
    for (shape, time) in layers.iter().zip(&times) {
        if done.contains(shape) {
            continue;
        }
        done.push(*shape);
        let macs = (shape.weight_len() * shape.output_len() / shape.outputs) as f64;
        let (us, [h, w]) = (time.as_secs_f64() * 1e6, shape.size);
        let share = 2e-3 * macs / us / peak * 100.0;
        let Shape { kind, inputs, outputs, .. } = shape;
        println!(
            "| {kind:?} | {inputs} -> {outputs} | {h}x{w} | {:.2} | {us:.1} | {share:.0} % |",
            macs / 1e6
        );
    }
    println!("\nall layers: {:.2} ms", times.iter().sum::<Duration>().as_secs_f64() * 1e3);
}
