//! What a layer looks like to the kernels, and the packed form of its weights.

/// Channels of a block.
pub const BLOCK: usize = 16;

/// Which convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 1x1, dense.
    Pointwise,
    /// 3x3, padding 1, stride 1 or 2, with `fan` channels a group (1: depthwise), as many outputs as inputs.
    Planes {
        /// 1 or 2; 2 only with a fan of 1.
        stride: usize,
        /// Channels a group: 1, 2, 4, 8 or 16.
        fan: usize,
    },
    /// 3x3, padding 1, stride 2, dense, over a plain `[3, H, W]` image.
    Stem,
    /// As large as its map, without padding, one channel a group: one output pixel.
    Global,
}

/// A layer's convolution at one input size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Which convolution.
    pub kind: Kind,
    /// Input channels: a multiple of 16 (3 for a stem).
    pub inputs: usize,
    /// Output channels: a multiple of 16.
    pub outputs: usize,
    /// Input height and width.
    pub size: [usize; 2],
}

/// Taps of the stem, 3 x 3 x 3, filled up to whole blocks.
pub(super) const PATCH: usize = 32;

impl Shape {
    /// Output height and width.
    #[must_use]
    pub fn output_size(&self) -> [usize; 2] {
        match self.kind {
            Kind::Pointwise => self.size,
            Kind::Planes { stride, .. } => self.size.map(|n| n.div_ceil(stride)),
            Kind::Stem => self.size.map(|n| n.div_ceil(2)),
            Kind::Global => [1, 1],
        }
    }

    /// Whether channels of a group are exchanged in registers, so that the planes can be read as they lie.
    pub(super) fn in_registers(&self) -> bool {
        matches!(self.kind, Kind::Planes { fan: 1 | 2 | 4, .. })
    }

    /// Values of one image's input.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.inputs * self.size[0] * self.size[1]
    }

    /// Values of one image's output.
    #[must_use]
    pub fn output_len(&self) -> usize {
        let [height, width] = self.output_size();
        self.outputs * height * width
    }

    /// Values of the weight, `[outputs, inputs / groups, kernel, kernel]`.
    #[must_use]
    pub fn weight_len(&self) -> usize {
        self.outputs * self.taps()
    }

    /// Values of the weight in packed form.
    #[must_use]
    pub fn packed_len(&self) -> usize {
        match self.kind {
            Kind::Stem => self.outputs * PATCH,
            _ => self.weight_len(),
        }
    }

    /// Weights of one output channel.
    fn taps(&self) -> usize {
        match self.kind {
            Kind::Pointwise => self.inputs,
            Kind::Planes { fan, .. } => fan * 9,
            Kind::Stem => 27,
            Kind::Global => self.size[0] * self.size[1],
        }
    }

    /// Panics on a shape that no kernel supports.
    pub(super) fn check(&self) {
        let blocked = |channels: usize| channels > 0 && channels.is_multiple_of(BLOCK);
        assert!(blocked(self.outputs), "output channels in whole blocks: {self:?}");
        assert!(self.size[0] > 0 && self.size[1] > 0, "an empty map: {self:?}");
        match self.kind {
            Kind::Stem => assert_eq!(self.inputs, 3, "a stem takes images"),
            Kind::Pointwise => assert!(blocked(self.inputs), "input channels in whole blocks: {self:?}"),
            Kind::Planes { .. } | Kind::Global => assert_eq!(self.inputs, self.outputs, "{self:?}"),
        }
        if let Kind::Planes { stride, fan } = self.kind {
            assert!(matches!(stride, 1 | 2) && [1, 2, 4, 8, 16].contains(&fan), "{self:?}");
            assert!(stride == 1 || fan == 1, "a stride of 2 is for one channel a group: {self:?}");
        }
    }

    /// Where the weight of output channel `o` and tap `t` lies in packed form: `[outputs / 16][taps][16]`.
    fn packed_index(&self, o: usize, t: usize) -> usize {
        let taps = self.packed_len() / self.outputs;
        (o / BLOCK * taps + t) * BLOCK + o % BLOCK
    }

    /// Packs `[outputs, inputs / groups, kernel, kernel]` for the forward kernels.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn pack(&self, weight: &[f32], packed: &mut [f32]) {
        assert_eq!((weight.len(), packed.len()), (self.weight_len(), self.packed_len()), "{self:?}");
        packed.fill(0.0);
        for (o, row) in weight.chunks_exact(self.taps()).enumerate() {
            let column = packed[self.packed_index(o, 0)..].iter_mut().step_by(BLOCK);
            column.zip(row).for_each(|(slot, &value)| *slot = value);
        }
    }

    /// The inverse of [`Shape::pack`], for gradients.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn unpack(&self, packed: &[f32], weight: &mut [f32]) {
        assert_eq!((weight.len(), packed.len()), (self.weight_len(), self.packed_len()), "{self:?}");
        for (o, row) in weight.chunks_exact_mut(self.taps()).enumerate() {
            let column = packed[self.packed_index(o, 0)..].iter().step_by(BLOCK);
            row.iter_mut().zip(column).for_each(|(value, &slot)| *value = slot);
        }
    }

    /// Packs the weight for the backward kernels: transposed for a 1x1 convolution, flipped and exchanged inside
    /// each group for a 3x3 one; as [`Shape::pack`] for the others.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn pack_transposed(&self, weight: &[f32], packed: &mut [f32]) {
        assert_eq!((weight.len(), packed.len()), (self.weight_len(), self.packed_len()), "{self:?}");
        match self.kind {
            Kind::Pointwise => {
                for (o, row) in weight.chunks_exact(self.inputs).enumerate() {
                    for (block, values) in row.chunks_exact(BLOCK).enumerate() {
                        packed[(block * self.outputs + o) * BLOCK..][..BLOCK].copy_from_slice(values);
                    }
                }
            }
            Kind::Planes { fan, .. } => {
                for (o, row) in weight.chunks_exact(fan * 9).enumerate() {
                    let group = o / fan * fan;
                    for (t, &value) in row.iter().enumerate() {
                        let input = group + t / 9;
                        packed[self.packed_index(input, (o - group) * 9 + 8 - t % 9)] = value;
                    }
                }
            }
            Kind::Stem | Kind::Global => self.pack(weight, packed),
        }
    }
}
