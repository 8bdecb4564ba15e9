//! A row of taps of a 3x3 convolution of planes, for numbers of any size: each column is read once, for all outputs of a
//! tile that it is a tap of.

/// Sixteen numbers, as a tap needs them. All methods are unsafe because an implementation needs its CPU features;
/// pointers must be valid for the values read, at any alignment.
pub trait Column: Copy {
    /// A number in memory.
    type Value: 'static;

    /// What lies outside of a plane.
    const ZEROS: &'static [Self::Value; 16];

    /// Sixteen values at `from`.
    unsafe fn load(from: *const Self::Value) -> Self;
    /// Sixteen values at `from`, in each group of `FAN` (1, 2 or 4; of 16 bits 1 or 2) the `J`-th for all.
    unsafe fn load_of_group<const FAN: usize, const J: usize>(from: *const Self::Value) -> Self;
    /// `self * factor + summand`, rounded once where there is an instruction for it.
    unsafe fn fma(self, factor: Self, summand: Self) -> Self;
}

/// Adds the three taps of one row of `width` columns, for channel `J` of each group of `FAN`, to the sums of `T` outputs
/// from column `x` on, at stride `S`; `weights` has a block for each tap.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what is read.
#[inline(always)]
pub unsafe fn row<V: Column, const T: usize, const S: usize, const FAN: usize, const J: usize>(
    sums: &mut [[V; 1]; T],
    width: usize,
    row: *const V::Value,
    weights: *const V::Value,
    x: usize,
) {
    // Only the first column and the last may lie outside.
    let outside = [x == 0, (x + T - 1) * S + 1 >= width];
    // In front of the row's start for the first column, where it is not used.
    let from = row.wrapping_add(x * S * 16).wrapping_sub(16);
    // Not a loop: each column knows its sums at compile time, so they stay in registers.
    macro_rules! columns {
        ($weights:expr, $($i:literal)*) => {
            $(column::<V, T, S, FAN, J, $i>(sums, $weights, from, outside);)*
        };
    }
    // SAFETY: three vectors of weights; columns inside the row, or sixteen zeros.
    unsafe {
        let weights = [V::load(weights), V::load(weights.add(16)), V::load(weights.add(32))];
        columns!(weights, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}

/// Reads a column once, for all outputs that it is a tap of; nothing where `T` outputs have fewer columns.
#[inline(always)]
unsafe fn column<
    V: Column,
    const T: usize,
    const S: usize,
    const FAN: usize,
    const J: usize,
    const I: usize,
>(
    sums: &mut [[V; 1]; T],
    weights: [V; 3],
    from: *const V::Value,
    outside: [bool; 2],
) {
    let last = (T - 1) * S + 2;
    if I > last {
        return;
    }
    let zeros = (I == 0 && outside[0]) || (I == last && outside[1]);
    // Asked only at the two ends, so that the others are read where they lie.
    let at = if (I == 0 || I == last) && zeros { V::ZEROS.as_ptr() } else { from.wrapping_add(I * 16) };
    // SAFETY: a column of the row, or sixteen zeros.
    unsafe {
        let value = V::load_of_group::<FAN, J>(at);
        for (k, weight) in weights.into_iter().enumerate() {
            let output = I.wrapping_sub(k);
            if I >= k && output.is_multiple_of(S) && output / S < T {
                let sum = &mut sums[output / S][0];
                *sum = value.fma(weight, *sum);
            }
        }
    }
}
