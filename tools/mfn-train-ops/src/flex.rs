//! The chain on burn's CPU backend.

use crate::ops::{ChainKernels, ChainOps};
use burn::backend::Flex;

impl ChainKernels for Flex {}
impl ChainOps for Flex {}
