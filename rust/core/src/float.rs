//! The two element types, `f32` and `f64`, behind one sealed trait.

use std::fmt::Debug;
use std::ops::{Add, Mul, Sub};

use crate::kernels::simd::Dispatch;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// An element of a user's array.
pub trait Float:
    sealed::Sealed
    + Dispatch
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Copy
    + Default
    + PartialOrd
    + Debug
    + Send
    + Sync
    + 'static
{
    /// Positive infinity, where a running minimum starts.
    const INFINITY: Self;
    /// The unit roundoff u: one rounding changes a result by at most a factor 1 + u.
    const UNIT_ROUNDOFF: f64;
    /// The smallest normal number; roundings below it are absolute and not relative.
    const MIN_NORMAL: f64;
    /// A squared norm below this leaves every score of the filter finite (a quarter of the largest value).
    const NORM_LIMIT: f64;

    /// Exact for `f64`, rounded to nearest for `f32`.
    fn from_f64(value: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
    /// The value whose bits are this integer: how a vector of floats carries the indices of centres.
    fn from_index(index: u32) -> Self;
    /// Undoes [`Float::from_index`].
    fn to_index(self) -> u32;
    /// Rows (n, d) as f32, which are `shift` off still, or shifted already and written to `room`: f64 rows far from the origin
    /// keep their digits.
    fn narrowed<'a>(rows: &'a [Self], shift: &[f64], room: &'a mut Vec<f32>) -> &'a [f32];
    /// The rows themselves, where [`Float::narrowed`] does not write them.
    fn to_narrow(rows: &[Self]) -> &[f32];
    /// What is still to be taken from [`Float::narrowed`] rows.
    fn shift_of_narrowed(shift: &[f64]) -> Vec<f32>;
}

impl Float for f32 {
    const INFINITY: Self = f32::INFINITY;
    const UNIT_ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;
    const MIN_NORMAL: f64 = f32::MIN_POSITIVE as f64;
    const NORM_LIMIT: f64 = f32::MAX as f64 / 8.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn from_index(index: u32) -> Self {
        f32::from_bits(index)
    }
    #[inline(always)]
    fn to_index(self) -> u32 {
        self.to_bits()
    }
    #[inline(always)]
    fn to_narrow(rows: &[f32]) -> &[f32] {
        rows
    }
    #[inline(always)]
    fn narrowed<'a>(rows: &'a [f32], _: &[f64], _: &'a mut Vec<f32>) -> &'a [f32] {
        rows
    }
    fn shift_of_narrowed(shift: &[f64]) -> Vec<f32> {
        shift.iter().map(|&m| m as f32).collect()
    }
}

impl Float for f64 {
    const INFINITY: Self = f64::INFINITY;
    const UNIT_ROUNDOFF: f64 = f64::EPSILON / 2.0;
    const MIN_NORMAL: f64 = f64::MIN_POSITIVE;
    const NORM_LIMIT: f64 = f64::MAX / 8.0;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_index(index: u32) -> Self {
        f64::from_bits(u64::from(index))
    }
    #[inline(always)]
    fn to_index(self) -> u32 {
        self.to_bits() as u32
    }
    #[inline(always)]
    fn to_narrow(_: &[f64]) -> &[f32] {
        &[]
    }
    #[inline(always)]
    fn narrowed<'a>(rows: &'a [f64], shift: &[f64], room: &'a mut Vec<f32>) -> &'a [f32] {
        room.clear();
        for row in rows.chunks_exact(shift.len()) {
            room.extend(row.iter().zip(shift).map(|(x, m)| (x - m) as f32));
        }
        room
    }
    fn shift_of_narrowed(shift: &[f64]) -> Vec<f32> {
        vec![0.0; shift.len()]
    }
}
