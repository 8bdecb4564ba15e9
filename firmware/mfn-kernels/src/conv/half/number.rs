//! Numbers of 16 bits: IEEE 754's binary16, as bits, since Rust's own type is not stable.

/// Of one sign, five of the exponent and ten of the fraction: the largest finite number.
pub const LARGEST: f32 = 65_504.0;
/// What infinity would be if its exponent meant a number.
const BEYOND: f32 = 65_536.0;
const INFINITY: u16 = 0x7c00;
const SIGN: u16 = 0x8000;
/// Between the exponents of both formats: 2^(127 - 15).
const EXPONENTS: f32 = f32::from_bits((127 + 112) << 23);

/// The nearest number of 16 bits, ties to the even one; infinite beyond [`LARGEST`] and half a step.
#[inline]
pub fn round(x: f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    // 1.5 * 2^52 steps: in a sum with it no room is left for parts of a step. Below 2^-14 steps shrink no more.
    let power = f64::from_bits(x.to_bits() & 0x7ff0_0000_0000_0000).max(6.103_515_625e-5);
    let whole = power * (1.5 * (1_u64 << 42) as f64);
    let rounded = ((x + whole) - whole).abs();
    let size = if rounded > f64::from(LARGEST) { f64::INFINITY } else { rounded };
    size.copysign(x)
}

/// The bits of the nearest number; every NaN becomes one NaN.
#[must_use]
pub fn to_half(x: f32) -> u16 {
    let rounded = round(f64::from(x)) as f32;
    let sign = if rounded.is_sign_negative() { SIGN } else { 0 };
    if rounded.is_nan() {
        return sign | INFINITY | 0x200;
    }
    // Exact: what has no normal exponent there has none here.
    let bits = (rounded.abs().min(BEYOND) / EXPONENTS).to_bits();
    sign | (bits >> 13) as u16
}

/// The value of bits.
#[must_use]
pub fn from_half(bits: u16) -> f32 {
    let size = f32::from_bits(u32::from(bits & !SIGN) << 13) * EXPONENTS;
    let size = match bits & !SIGN {
        INFINITY => f32::INFINITY,
        more if more > INFINITY => f32::NAN,
        _ => size,
    };
    if bits & SIGN > 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        for bits in 0..=u16::MAX {
            let value = from_half(bits);
            if value.is_nan() {
                assert!(bits & !SIGN > INFINITY && from_half(to_half(value)).is_nan());
            } else {
                assert_eq!(to_half(value), bits, "{value}");
            }
        }
    }

    #[test]
    fn what_lies_between_goes_to_the_nearest_and_ties_to_even() {
        for bits in 0..INFINITY {
            let next = if bits + 1 == INFINITY { BEYOND } else { from_half(bits + 1) };
            let middle = f32::midpoint(from_half(bits), next);
            let even = bits + bits % 2;
            for sign in [0, SIGN] {
                let signed = |x: f32| if sign > 0 { -x } else { x };
                assert_eq!(to_half(signed(middle)), sign | even, "{middle}");
                assert_eq!(to_half(signed(middle.next_down())), sign | bits, "below {middle}");
                assert_eq!(to_half(signed(middle.next_up())), sign | (bits + 1), "above {middle}");
            }
        }
    }

    #[test]
    fn some_by_hand() {
        let numbers = [(1.0, 0x3c00), (-2.0, 0xc000), (LARGEST, 0x7bff), (0.1, 0x2e66), (-0.0, 0x8000)];
        for (value, bits) in numbers {
            assert_eq!(to_half(value), bits);
        }
        assert_eq!([1e9, f32::INFINITY, -1e9, 1e-9].map(to_half), [0x7c00, 0x7c00, 0xfc00, 0]);
        assert!(from_half(to_half(f32::NAN)).is_nan());
    }
}
