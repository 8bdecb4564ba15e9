//! Batch norm and PReLU on blocks: forward on the fly, and the two steps of the way back.
//!
//! With `n = (z - mean) / deviation`, `u = gamma n + beta` and `y = u > 0 ? u : slope u`:
//! `du = u > 0 ? dy : slope dy`, and over the batch's M values of a channel
//! `dz = gamma / deviation (du - sum(du) / M - n sum(du n) / M)` (Ioffe and Szegedy 2015, section 3).

use super::lanes::Lanes;

/// Batch norm and PReLU of a layer, one value a channel in each slice.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// `1 / sqrt(variance + epsilon)`.
    pub inverse: &'a [f32],
    /// `-mean / sqrt(variance + epsilon)`.
    pub offset: &'a [f32],
    /// Scale.
    pub gamma: &'a [f32],
    /// Shift.
    pub beta: &'a [f32],
    /// PReLU's slopes; empty: no activation.
    pub slope: &'a [f32],
}

impl Norm<'_> {
    /// Panics unless every slice has `channels` values.
    pub(super) fn check(&self, channels: usize) {
        for slice in [self.inverse, self.offset, self.gamma, self.beta] {
            assert_eq!(slice.len(), channels, "one value of the norm a channel");
        }
        assert!(self.slope.is_empty() || self.slope.len() == channels, "one slope a channel");
    }

    pub(super) fn pointers(&self) -> NormPointers {
        NormPointers {
            inverse: self.inverse.as_ptr(),
            offset: self.offset.as_ptr(),
            gamma: self.gamma.as_ptr(),
            beta: self.beta.as_ptr(),
            slope: if self.slope.is_empty() { std::ptr::null() } else { self.slope.as_ptr() },
        }
    }
}

/// [`Norm`] without lengths; a null `slope` means no activation.
#[derive(Clone, Copy)]
pub struct NormPointers {
    inverse: *const f32,
    offset: *const f32,
    gamma: *const f32,
    beta: *const f32,
    slope: *const f32,
}

/// The norm of one block of channels, in registers. Without activation the slope is 1.
#[derive(Clone, Copy)]
pub struct NormBlock<V> {
    inverse: V,
    offset: V,
    gamma: V,
    beta: V,
    slope: V,
    scale: V,
    shift: V,
}

/// Means over the batch of `du` and of `du n`, as factors of `dz`, for one block.
#[derive(Clone, Copy)]
pub struct BackBlock<V> {
    norm: NormBlock<V>,
    per_raw: V,
    constant: V,
}

impl<V: Lanes> NormBlock<V> {
    /// # Safety
    /// Every vector holds sixteen values of the block; the CPU has `V`'s features.
    #[inline(always)]
    pub unsafe fn load(norm: &NormPointers, block: usize) -> Self {
        // SAFETY: the caller's promise; a null slope is not read.
        unsafe {
            let get = |p: *const f32| p.add(block * 16);
            let (inverse, offset) = (V::load(get(norm.inverse)), V::load(get(norm.offset)));
            let (gamma, beta) = (V::load(get(norm.gamma)), V::load(get(norm.beta)));
            let slope = if norm.slope.is_null() { V::splat(1.0) } else { V::load(get(norm.slope)) };
            let (scale, shift) = (gamma.mul(inverse), gamma.fma(offset, beta));
            Self { inverse, offset, gamma, beta, slope, scale, shift }
        }
    }

    /// The layer's output for a raw value.
    ///
    /// # Safety
    /// The CPU has `V`'s features, here and below.
    #[inline(always)]
    pub unsafe fn forward(&self, raw: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let u = raw.fma(self.scale, self.shift);
            u.min(V::zero()).fma(self.slope, u.max(V::zero()))
        }
    }

    /// Adds to the sums of `du`, `du n` and (the slope's gradient) `dy min(u, 0)`.
    ///
    /// # Safety
    /// As for [`NormBlock::forward`].
    #[inline(always)]
    pub unsafe fn reduce(&self, sums: &mut [V; 3], gradient: V, raw: V) {
        // SAFETY: the caller's promise.
        unsafe {
            let n = raw.fma(self.inverse, self.offset);
            let u = n.fma(self.gamma, self.beta);
            let du = u.where_positive(gradient, gradient.mul(self.slope));
            sums[0] = sums[0].add(du);
            sums[1] = du.fma(n, sums[1]);
            sums[2] = gradient.fma(u.min(V::zero()), sums[2]);
        }
    }

    /// # Safety
    /// `sums` holds three vectors of `channels` values with this block in it.
    #[inline(always)]
    pub unsafe fn load_sums(&self, sums: *const f32, channels: usize, block: usize) -> [V; 3] {
        // SAFETY: the caller's promise.
        unsafe {
            let get = |i: usize| sums.add(i * channels + block * 16);
            [V::load(get(0)), V::load(get(1)), V::load(get(2))]
        }
    }

    /// # Safety
    /// As for [`NormBlock::load_sums`].
    #[inline(always)]
    pub unsafe fn store_sums(&self, values: &[V; 3], sums: *mut f32, channels: usize, block: usize) {
        for (i, value) in values.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { value.store(sums.add(i * channels + block * 16)) };
        }
    }
}

/// An input's value: behind the norm that is still to be applied, if there is one.
///
/// # Safety
/// As for [`NormBlock::forward`].
#[inline(always)]
pub unsafe fn behind<V: Lanes>(norm: Option<&NormBlock<V>>, raw: V) -> V {
    match norm {
        // SAFETY: the caller's promise.
        Some(norm) => unsafe { norm.forward(raw) },
        None => raw,
    }
}

impl<V: Lanes> BackBlock<V> {
    /// `means` holds the sums of `du` and `du n` divided by M: two vectors of `channels` values.
    ///
    /// # Safety
    /// As for [`NormBlock::load`].
    #[inline(always)]
    pub unsafe fn load(norm: &NormPointers, means: *const f32, channels: usize, block: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let norm = NormBlock::<V>::load(norm, block);
            let minus_scale = norm.scale.mul(V::splat(-1.0));
            let gradient = V::load(means.add(block * 16));
            let product = V::load(means.add(channels + block * 16));
            let per_raw = minus_scale.mul(product).mul(norm.inverse);
            let constant = minus_scale.mul(product.fma(norm.offset, gradient));
            Self { norm, per_raw, constant }
        }
    }

    /// The raw output's gradient.
    ///
    /// # Safety
    /// As for [`NormBlock::forward`].
    #[inline(always)]
    pub unsafe fn backward(&self, gradient: V, raw: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let u = raw.fma(self.norm.scale, self.norm.shift);
            let du = u.where_positive(gradient, gradient.mul(self.norm.slope));
            du.fma(self.norm.scale, raw.fma(self.per_raw, self.constant))
        }
    }
}
