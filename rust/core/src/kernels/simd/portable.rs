//! Plain arrays of 16 bytes: what every CPU can run, and the measure of the other levels.

use super::Simd;

#[derive(Clone, Copy)]
pub struct Portable;

macro_rules! portable {
    ($float:ty, $lanes:literal) => {
        impl Simd<$float> for Portable {
            type V = [$float; $lanes];
            type M = [bool; $lanes];
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(self, x: $float) -> Self::V {
                [x; $lanes]
            }
            #[inline(always)]
            fn load(self, from: &[$float]) -> Self::V {
                *from.first_chunk().expect("a whole vector")
            }
            #[inline(always)]
            fn store(self, v: Self::V, to: &mut [$float]) {
                *to.first_chunk_mut().expect("a whole vector") = v;
            }
            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] + b[i])
            }
            #[inline(always)]
            fn sub(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] - b[i])
            }
            #[inline(always)]
            fn mul(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] * b[i])
            }
            #[inline(always)]
            fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                // `mul_add` without the instruction is a library call.
                std::array::from_fn(|i| a[i] * b[i] + c[i])
            }
            #[inline(always)]
            fn sqrt(self, a: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i].sqrt())
            }
            #[inline(always)]
            fn sum(self, a: Self::V) -> $float {
                a.into_iter().sum()
            }
            #[inline(always)]
            fn lt(self, a: Self::V, b: Self::V) -> Self::M {
                std::array::from_fn(|i| a[i] < b[i])
            }
            #[inline(always)]
            fn and(self, a: Self::M, b: Self::M) -> Self::M {
                std::array::from_fn(|i| a[i] & b[i])
            }
            #[inline(always)]
            fn select(self, mask: Self::M, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| if mask[i] { a[i] } else { b[i] })
            }
            #[inline(always)]
            fn all(self, mask: Self::M) -> bool {
                mask.iter().all(|&set| set)
            }
        }
    };
}

portable!(f32, 4);
portable!(f64, 2);
