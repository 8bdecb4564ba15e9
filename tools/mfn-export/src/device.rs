//! Where networks compute: the CPU with this project's kernels, or a graphics card through Vulkan or libtorch.

use anyhow::{Result, bail};
use burn::tensor::Device;
use clap::ValueEnum;

/// What a training computes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// The CPU.
    #[default]
    Cpu,
    /// The first graphics card with a Vulkan driver; only in a program built with the feature `vulkan`.
    Vulkan,
    /// The first NVIDIA card, through libtorch; only in a program built with the feature `torch`.
    Cuda,
}

/// The CPU. Not burn's default device, which is the graphics card in a program that can use one.
pub fn cpu() -> Device {
    Device::flex()
}

impl Place {
    /// Burn's device: with [`Place::Cuda`], whose passes are not burn's, the CPU.
    ///
    /// # Errors
    /// When the program was built without the place, or there is no such card.
    pub fn open(self) -> Result<Device> {
        match self {
            Place::Cpu => Ok(cpu()),
            Place::Vulkan => vulkan(),
            Place::Cuda => cuda(),
        }
    }
}

/// Looks before it leaps: the first operation on a card that is not there would end the process.
#[cfg(feature = "vulkan")]
fn vulkan() -> Result<Device> {
    let found = Device::enumerate(burn::tensor::DeviceType::Vulkan).into_iter().next();
    let Some(device) = found else {
        bail!("--device vulkan: there is no graphics card with a Vulkan driver")
    };
    Ok(device)
}

#[cfg(not(feature = "vulkan"))]
fn vulkan() -> Result<Device> {
    bail!(
        "--device vulkan: this program was built without it; `cargo build --release -p mfn-export --features vulkan` \
         builds one with it"
    )
}

#[cfg(feature = "torch")]
fn cuda() -> Result<Device> {
    if !tch::Cuda::is_available() {
        bail!(
            "--device cuda: libtorch finds no card; it needs NVIDIA's driver, and LD_PRELOAD=libtorch_cuda.so"
        )
    }
    Ok(cpu())
}

#[cfg(not(feature = "torch"))]
fn cuda() -> Result<Device> {
    bail!(
        "--device cuda: this program was built without it; `cargo build --release -p mfn-export --features torch` \
         builds one with it, where libtorch is"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_found_or_one_line_says_why_not() {
        assert!(Place::Cpu.open().is_ok());
        for (place, name) in [(Place::Vulkan, "vulkan"), (Place::Cuda, "cuda")] {
            if let Err(error) = place.open() {
                let line = error.to_string();
                assert!(line.starts_with(&format!("--device {name}: ")) && !line.contains('\n'), "{line}");
            }
        }
    }
}
