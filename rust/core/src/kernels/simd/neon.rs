//! NEON: 16-byte vectors, 32 registers; every aarch64 CPU has it.

#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports)] // an instruction set's intrinsics, by their own names

use std::arch::aarch64::*;

use super::{Simd, Task};
use crate::float::Float;

#[derive(Clone, Copy)]
pub struct Neon;

pub fn run<F: Float, T: Task<F>>(task: T) -> T::Out
where
    Neon: Simd<F>,
{
    // 24 accumulators, 4 vectors of samples and the broadcasts fill the 32 registers.
    task.run::<Neon, 4, 6>(Neon)
}

macro_rules! neon {
    ($float:ty, $v:ty, $m:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident,
     $mul:ident, $fma:ident, $sqrt:ident, $sum:ident, $lt:ident, $and:ident, $select:ident, $minimum:ident) => {
        // SAFETY of every block: NEON is part of the aarch64 baseline; loads and stores go through a slice of LANES
        // values, whose length is checked.
        impl Simd<$float> for Neon {
            type V = $v;
            type M = $m;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(self, x: $float) -> Self::V {
                unsafe { $splat(x) }
            }
            #[inline(always)]
            fn load(self, from: &[$float]) -> Self::V {
                unsafe { $load(from[..$lanes].as_ptr()) }
            }
            #[inline(always)]
            fn store(self, v: Self::V, to: &mut [$float]) {
                unsafe { $store(to[..$lanes].as_mut_ptr(), v) }
            }
            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn sub(self, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            fn mul(self, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                unsafe { $fma(c, a, b) }
            }
            #[inline(always)]
            fn sqrt(self, a: Self::V) -> Self::V {
                unsafe { $sqrt(a) }
            }
            #[inline(always)]
            fn sum(self, a: Self::V) -> $float {
                unsafe { $sum(a) }
            }
            #[inline(always)]
            fn lt(self, a: Self::V, b: Self::V) -> Self::M {
                unsafe { $lt(a, b) }
            }
            #[inline(always)]
            fn and(self, a: Self::M, b: Self::M) -> Self::M {
                unsafe { $and(a, b) }
            }
            #[inline(always)]
            fn select(self, mask: Self::M, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $select(mask, a, b) }
            }
            #[inline(always)]
            fn all(self, mask: Self::M) -> bool {
                unsafe { $minimum(mask) != 0 }
            }
        }
    };
}

neon!(
    f32,
    float32x4_t,
    uint32x4_t,
    4,
    vdupq_n_f32,
    vld1q_f32,
    vst1q_f32,
    vaddq_f32,
    vsubq_f32,
    vmulq_f32,
    vfmaq_f32,
    vsqrtq_f32,
    vaddvq_f32,
    vcltq_f32,
    vandq_u32,
    vbslq_f32,
    vminvq_u32
);
neon!(
    f64,
    float64x2_t,
    uint64x2_t,
    2,
    vdupq_n_f64,
    vld1q_f64,
    vst1q_f64,
    vaddq_f64,
    vsubq_f64,
    vmulq_f64,
    vfmaq_f64,
    vsqrtq_f64,
    vaddvq_f64,
    vcltq_f64,
    vandq_u64,
    vbslq_f64,
    smallest_u64
);

/// NEON has no `vminvq_u64`.
#[inline(always)]
unsafe fn smallest_u64(mask: uint64x2_t) -> u64 {
    // SAFETY: NEON is part of the aarch64 baseline.
    unsafe { vgetq_lane_u64::<0>(mask).min(vgetq_lane_u64::<1>(mask)) }
}
