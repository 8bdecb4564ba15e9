//! The arithmetic of a network: what its file was made for, and what it is computed with.

use std::str::FromStr;
use std::sync::Once;

use serde::Deserialize;

use crate::any::Floats;
use crate::manifest::cut;

/// The arithmetic of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit floating point, of the network file of [`Precision::Fp32`].
    #[serde(skip)]
    Fp16,
    /// 8-bit integers.
    Int8,
}

impl Precision {
    /// The precision that the network file is made for.
    pub(crate) fn file(self) -> Precision {
        if self == Precision::Fp16 { Precision::Fp32 } else { self }
    }

    /// What its floats are computed with.
    #[must_use]
    pub fn floats(self) -> Floats {
        if self == Precision::Fp16 { Floats::F16 } else { Floats::F32 }
    }

    /// This one, or fp32 where the CPU cannot compute in 16 bits; that is said once in the log.
    #[must_use]
    pub fn on_this_cpu(self) -> Precision {
        static SAID: Once = Once::new();
        if self == Precision::Fp16 && !Floats::has_f16() {
            SAID.call_once(|| log::warn!("this CPU has no fp16 arithmetic (ARMv8.2's FP16): fp32 instead"));
            return Precision::Fp32;
        }
        self
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Precision, String> {
        match text {
            "fp32" => Ok(Precision::Fp32),
            "fp16" => Ok(Precision::Fp16),
            "int8" => Ok(Precision::Int8),
            _ => Err(format!("{:?} is no precision; there are fp32, fp16 and int8", cut(text))),
        }
    }
}
