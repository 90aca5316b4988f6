//! Powers of numbers from 0 to 1, and logarithms, the same bits on every machine: the system's differ from one to the next.
//!
//! x^e = 2^(e log2 x), both halves by polynomials, without branches, so that loops over it become vector code. Its relative
//! error is some 1e-15 for each factor of e by which x^e has shrunk.

/// x^e for x from 0 to 1 and e above 0; 0 below the smallest normal number.
#[inline(always)]
pub fn power(x: f64, exponent: f64) -> f64 {
    let normal = if x > f64::MIN_POSITIVE { x } else { f64::MIN_POSITIVE };
    let result = exp2(exponent * log2(normal));
    if x > 0.0 { result } else { 0.0 }
}

/// Of a positive number; wrong by a few units of the last place, or of 1e-16 near ln 1.
pub fn ln(x: f64) -> f64 {
    /// Makes subnormal numbers normal.
    const LARGER: f64 = (1_u64 << 54) as f64;
    let log2 = if x < f64::MIN_POSITIVE { log2(x * LARGER) - 54.0 } else { log2(x) };
    log2 * std::f64::consts::LN_2
}

/// Of a positive normal number.
#[inline(always)]
fn log2(x: f64) -> f64 {
    /// Of the series of artanh.
    const ODD: [f64; 10] = [
        1.0 / 3.0,
        1.0 / 5.0,
        1.0 / 7.0,
        1.0 / 9.0,
        1.0 / 11.0,
        1.0 / 13.0,
        1.0 / 15.0,
        1.0 / 17.0,
        1.0 / 19.0,
        1.0 / 21.0,
    ];
    /// Small whole numbers stand in the last bits of a float of this size.
    const WHOLE: f64 = (1_u64 << 52) as f64;
    /// From the bits of the square root of one half to those of 1: what stays below is halved once more.
    const ABOVE_ROOT: u64 = 1.0_f64.to_bits() - std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let bits = x.to_bits();
    let biased = (bits + ABOVE_ROOT) >> 52;
    let m = f64::from_bits(bits.wrapping_sub(biased.wrapping_sub(1023) << 52));
    // ln m = 2 artanh s, and z is at most 0.03.
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let mut series = ODD[9];
    for k in (0..9).rev() {
        series = series * z + ODD[k];
    }
    let ln_m = 2.0 * s + 2.0 * s * z * series;
    let exponent = f64::from_bits(WHOLE.to_bits() | biased) - (WHOLE + 1023.0);
    exponent + ln_m * std::f64::consts::LOG2_E
}

/// 2^y for y up to 0.
#[inline(always)]
fn exp2(y: f64) -> f64 {
    /// Added to a number, it leaves the nearest whole one in the last bits.
    const WHOLE: f64 = (3_u64 << 51) as f64;
    /// 1 / k!: |g| is at most 0.35, and the term after these below 1e-17.
    const FACTORIALS: [f64; 14] = [
        1.0,
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let bounded = if y > -1022.0 { y } else { -1022.0 };
    let rounded = bounded + WHOLE;
    let g = (bounded - (rounded - WHOLE)) * std::f64::consts::LN_2;
    let mut series = FACTORIALS[13];
    for k in (0..13).rev() {
        series = series * g + FACTORIALS[k];
    }
    let scale = f64::from_bits(rounded.to_bits().wrapping_add(1023) << 52);
    if y > -1022.0 { series * scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_system_but_for_rounding() {
        for i in -1070..1020 {
            for m in [1.0, 1.1, 1.414, 1.4143, 1.7, 1.999_999] {
                let x = m * 2.0_f64.powi(i);
                assert!((ln(x) - x.ln()).abs() <= 1e-15 * x.ln().abs() + 1e-16, "{x:e}: {}, {}", ln(x), x.ln());
            }
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn powers_are_those_of_the_system_but_for_rounding() {
        for exponent in [0.01, 0.3, 0.5, 1.0, 1.7, 2.0, 10.0, 333.3, 1e4] {
            for i in 1..=2000 {
                let x = f64::from(i) / 2000.0;
                for x in [x, x * 1e-10, x * 1e-300] {
                    let (got, want) = (power(x, exponent), x.powf(exponent));
                    let shrunk = (exponent * x.log2()).abs();
                    assert!(
                        (got - want).abs() <= (1e-15 + 4e-16 * shrunk) * want + 1e-300,
                        "{x}^{exponent}: {got}, {want}"
                    );
                }
            }
            assert_eq!(power(0.0, exponent), 0.0);
            assert_eq!(power(1.0, exponent), 1.0);
        }
    }
}
