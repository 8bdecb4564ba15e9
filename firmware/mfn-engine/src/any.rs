//! Any ONNX network of one image, run alone: to time it, and to compare operators.

use std::num::NonZero;
use std::path::Path;

use mfn_kernels::conv::half::Halves;

use crate::error::{EngineError, ModelError};
use crate::folder::read_limited;
use crate::guard::Guard;
use crate::network::{MAX_NETWORK, Network};
use crate::onnx_check;

/// Whose operators run a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operators {
    /// Ours where there are patterns for them.
    Own {
        /// Threads that share a run. More than there are idle cores make it slower.
        threads: NonZero<usize>,
        /// What is computed with where a network is one of floats.
        floats: Floats,
    },
    /// tract's alone, on one thread.
    Tract,
}

/// Bits of the numbers that convolutions are computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floats {
    /// 32.
    F32,
    /// 16 where there are kernels for it: half the memory and, where [`Floats::has_f16`], half the instructions. On other
    /// CPUs the same numbers by a simulation that takes a thousand times longer.
    F16,
}

impl Floats {
    /// Whether this CPU computes with 16 bits (ARMv8.2's FP16).
    #[must_use]
    pub fn has_f16() -> bool {
        Halves::native().is_some()
    }
}

impl Default for Operators {
    /// Ours, on one thread, in 32 bits.
    fn default() -> Operators {
        Operators::Own { threads: NonZero::<usize>::MIN, floats: Floats::F32 }
    }
}

/// A network whose file says all that is known of it: one input of three channels, any outputs.
pub struct AnyNetwork {
    network: Network,
    length: usize,
}

impl AnyNetwork {
    /// Has a file tried by the guard, without loading it here.
    ///
    /// # Errors
    /// As [`AnyNetwork::load`].
    pub fn check(path: &Path, size: Option<[usize; 2]>, guard: &Guard) -> Result<(), ModelError> {
        let bytes = read_limited(path, MAX_NETWORK)?;
        let refused = |reason| ModelError::Network { path: path.to_path_buf(), reason };
        let spec = onnx_check::guess(&bytes, size).map_err(refused)?;
        guard.check(&bytes, &spec).map_err(refused)
    }

    /// Loads a file as it is, without a trial. `size` is the input's height and width where the file leaves them open.
    ///
    /// # Errors
    /// When the file cannot be read, or is refused.
    pub fn load(
        path: &Path,
        size: Option<[usize; 2]>,
        operators: Operators,
    ) -> Result<AnyNetwork, ModelError> {
        let bytes = read_limited(path, MAX_NETWORK)?;
        let refused = |reason| ModelError::Network { path: path.to_path_buf(), reason };
        let spec = onnx_check::guess(&bytes, size).map_err(refused)?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let network = Network::load(&name, bytes, &spec, operators).map_err(refused)?;
        Ok(AnyNetwork { network, length: spec.shape.iter().product() })
    }

    /// Values of the input, `[3, height, width]`.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.length
    }

    /// Runs on an input of [`AnyNetwork::input_len`] values (missing ones are 0), and lets `read` look at the
    /// outputs in the file's order.
    ///
    /// # Errors
    /// When the runtime fails.
    pub fn run<T>(&mut self, input: &[f32], read: impl FnOnce(&[&[f32]]) -> T) -> Result<T, EngineError> {
        let fill = |values: &mut [f32]| {
            let given = input.len().min(values.len());
            values[..given].copy_from_slice(&input[..given]);
            values[given..].fill(0.0);
        };
        self.network.run(fill, read)
    }

    /// Runs on the last input once more: what a network takes that is given its input in place.
    ///
    /// # Errors
    /// As [`AnyNetwork::run`].
    pub fn run_again<T>(&mut self, read: impl FnOnce(&[&[f32]]) -> T) -> Result<T, EngineError> {
        self.network.run(|_| (), read)
    }
}

/// The instruction set that this CPU's kernels for such floats use, for reports.
#[must_use]
pub fn instructions(floats: Floats) -> String {
    let level = mfn_kernels::Kernels::detect().level();
    if floats == Floats::F16 { format!("{level}, fp16") } else { level.to_string() }
}
