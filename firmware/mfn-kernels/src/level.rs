//! Which instruction sets this CPU has, and the value that proves it.

use std::fmt;
use std::sync::OnceLock;

/// An instruction set that kernels are written for. All names exist on all architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Plain Rust: the reference, and the fallback.
    Scalar,
    /// x86-64 with AVX2 and FMA (2013 on).
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512,
    /// As `Avx512`, with VNNI (8-bit dot products).
    Avx512Vnni,
    /// 64-bit ARM: NEON is part of the base (Cortex-A53 on).
    Neon,
    /// As `Neon`, with the dot product extension (Cortex-A55, A76 on).
    NeonDotProd,
}

impl Level {
    /// Every level, the plainest first.
    pub const ALL: [Level; 6] =
        [Level::Scalar, Level::Avx2, Level::Avx512, Level::Avx512Vnni, Level::Neon, Level::NeonDotProd];

    /// Whether this CPU (and its operating system) can run it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Level::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                Level::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => Level::Avx512.is_available() && is_x86_feature_detected!("avx512vnni"),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "aarch64")]
            Level::NeonDotProd => {
                Level::Neon.is_available() && std::arch::is_aarch64_feature_detected!("dotprod")
            }
            _ => false,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Avx512Vnni => "avx512vnni",
            Level::Neon => "neon",
            Level::NeonDotProd => "neon-dotprod",
        })
    }
}

/// The kernels of one instruction set. Holding one proves that this CPU has the set: the field is
/// private and both constructors ask the CPU. That proof is what each unsafe call rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels {
    level: Level,
}

impl Kernels {
    /// The best that this CPU has; asked once, then remembered.
    #[must_use]
    pub fn detect() -> Kernels {
        static BEST: OnceLock<Kernels> = OnceLock::new();
        *BEST.get_or_init(|| {
            let best = Level::ALL.into_iter().rev().find_map(Kernels::at);
            best.unwrap_or(Kernels { level: Level::Scalar })
        })
    }

    /// A named set (to test or to time a lesser one), or nothing where this CPU lacks it.
    #[must_use]
    pub fn at(level: Level) -> Option<Kernels> {
        level.is_available().then_some(Kernels { level })
    }

    /// The instruction set.
    #[must_use]
    pub fn level(self) -> Level {
        self.level
    }
}
