//! The backward step.

use crate::ops::{ChainKernels, ChainOps};
use burn::backend::{Autodiff, autodiff::checkpoint::strategy::CheckpointStrategy};

impl<B: ChainOps, C: CheckpointStrategy> ChainKernels for Autodiff<B, C> {}
impl<B: ChainOps, C: CheckpointStrategy> ChainOps for Autodiff<B, C> {}
