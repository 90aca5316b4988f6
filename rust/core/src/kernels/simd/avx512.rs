//! AVX-512 (foundation, bytes and words): 64-byte vectors, 32 registers, masks of their own; and its neural-network
//! instructions where the CPU has them.

#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports)] // an instruction set's intrinsics, by their own names

use std::arch::x86_64::*;

use super::{Simd, Task};
use crate::float::Float;

/// Exists only after [`detected`] said yes, and with `VNNI` only where the CPU has that too.
#[derive(Clone, Copy)]
pub struct Avx512<const VNNI: bool>(());

pub fn detected() -> bool {
    super::avx2::detected()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

pub fn run<F: Float, T: Task<F>>(task: T) -> T::Out
where
    Avx512<false>: Simd<F>,
    Avx512<true>: Simd<F>,
{
    // 24 accumulators, 4 vectors of samples and the broadcasts fill the 32 registers.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn compiled<F: Float, T: Task<F>>(task: T) -> T::Out
    where
        Avx512<false>: Simd<F>,
    {
        task.run::<Avx512<false>, 4, 6>(Avx512(()))
    }
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn compiled_with_vnni<F: Float, T: Task<F>>(task: T) -> T::Out
    where
        Avx512<true>: Simd<F>,
    {
        task.run::<Avx512<true>, 4, 6>(Avx512(()))
    }
    assert!(detected());
    if is_x86_feature_detected!("avx512vnni") {
        // SAFETY: just detected.
        unsafe { compiled_with_vnni(task) }
    } else {
        // SAFETY: just detected.
        unsafe { compiled(task) }
    }
}

macro_rules! avx512 {
    ($float:ty, $v:ty, $m:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident,
     $mul:ident, $fma:ident, $sqrt:ident, $sum:ident, $cmp:ident, $blend:ident, $min:ident, $max:ident, $columns:ident, $transpose:ident, {$($whole:tt)*}) => {
        // SAFETY of every block: an `Avx512` exists only where its instructions were detected; loads and stores go through a slice
        // of LANES values, whose length is checked.
        impl<const VNNI: bool> Simd<$float> for Avx512<VNNI> {
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
            fn prefetch<T>(self, values: &[T]) {
                for line in values.chunks(64 / size_of::<T>()) {
                    unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) }
                }
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
                unsafe { $fma(a, b, c) }
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
                unsafe { $cmp::<_CMP_LT_OQ>(a, b) }
            }
            #[inline(always)]
            fn and(self, a: Self::M, b: Self::M) -> Self::M {
                a & b
            }
            #[inline(always)]
            fn select(self, mask: Self::M, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $blend(mask, b, a) }
            }
            #[inline(always)]
            fn all(self, mask: Self::M) -> bool {
                mask == <$m>::MAX
            }
            #[inline(always)]
            fn bits(self, mask: Self::M) -> u32 {
                u32::from(mask)
            }
            #[inline(always)]
            fn min(self, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $min(a, b) }
            }
            #[inline(always)]
            fn max(self, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $max(a, b) }
            }
            #[inline(always)]
            fn columns<const D: usize>(self, rows: &[$float]) -> [Self::V; D] {
                $columns(self, &rows[..D * $lanes])
            }
            #[inline(always)]
            fn transpose(
                self,
                from: &[$float],
                from_stride: usize,
                shift: &[$float],
                to: &mut [$float],
                to_stride: usize,
            ) -> Self::V {
                let shift: Self::V = Simd::<$float>::load(self, shift);
                let mut rows = [shift; $lanes];
                let from = &from[..($lanes - 1) * from_stride + $lanes];
                for (r, row) in rows.iter_mut().enumerate() {
                    // SAFETY: the slice ends with the last row's last value. A check for each row costs more than its load.
                    *row = unsafe { $sub($load(from.as_ptr().add(r * from_stride)), shift) };
                }
                let columns = $transpose(rows);
                let mut squares = Simd::<$float>::mul(self, columns[0], columns[0]);
                for c in 1..$lanes {
                    squares = Simd::<$float>::fma(self, columns[c], columns[c], squares);
                }
                let to = &mut to[..($lanes - 1) * to_stride + $lanes];
                for (c, column) in columns.into_iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { $store(to.as_mut_ptr().add(c * to_stride), column) };
                }
                squares
            }
            $($whole)*
        }
    };
}

avx512!(
    f32,
    __m512,
    __mmask16,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    _mm512_sqrt_ps,
    _mm512_reduce_add_ps,
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    _mm512_min_ps,
    _mm512_max_ps,
    columns_of_16,
    transpose_16x16,
    {
        const FAST_DOT: bool = true;
        const WIDE_DOT_BYTES: bool = VNNI;

        #[inline(always)]
        fn abs(self, a: __m512) -> __m512 {
            unsafe { _mm512_abs_ps(a) }
        }

        #[inline(always)]
        fn pairs(self, low: __m512, high: __m512) -> __m512 {
            unsafe {
                let high = _mm512_slli_epi32::<16>(_mm512_castps_si512(high));
                _mm512_castsi512_ps(_mm512_mask_blend_epi16(0xAAAA_AAAA, _mm512_castps_si512(low), high))
            }
        }
        #[inline(always)]
        fn dot(self, a: __m512, b: __m512, sum: __m512) -> __m512 {
            unsafe {
                let (a, b, sum) = (_mm512_castps_si512(a), _mm512_castps_si512(b), _mm512_castps_si512(sum));
                _mm512_castsi512_ps(if VNNI {
                    _mm512_dpwssd_epi32(sum, a, b)
                } else {
                    _mm512_add_epi32(sum, _mm512_madd_epi16(a, b))
                })
            }
        }
        #[inline(always)]
        fn dot_bytes(self, a: __m512, b: __m512, part: __m512) -> __m512 {
            unsafe {
                let (a, b, part) = (_mm512_castps_si512(a), _mm512_castps_si512(b), _mm512_castps_si512(part));
                _mm512_castsi512_ps(if VNNI {
                    _mm512_dpbusd_epi32(part, a, b)
                } else {
                    _mm512_add_epi16(part, _mm512_maddubs_epi16(a, b))
                })
            }
        }
        #[inline(always)]
        fn add_bytes(self, part: __m512, sum: __m512) -> __m512 {
            unsafe {
                let (part, sum) = (_mm512_castps_si512(part), _mm512_castps_si512(sum));
                let both = if VNNI { part } else { _mm512_madd_epi16(part, _mm512_set1_epi16(1)) };
                _mm512_castsi512_ps(_mm512_add_epi32(sum, both))
            }
        }
        #[inline(always)]
        fn add_whole(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b))) }
        }
        #[inline(always)]
        fn and_whole(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_castps_si512(b))) }
        }
        #[inline(always)]
        fn float_of_whole(self, a: __m512) -> __m512 {
            unsafe { _mm512_cvtepi32_ps(_mm512_castps_si512(a)) }
        }
    }
);
avx512!(
    f64,
    __m512d,
    __mmask8,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd,
    _mm512_sqrt_pd,
    _mm512_reduce_add_pd,
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    _mm512_min_pd,
    _mm512_max_pd,
    columns_of_8,
    transpose_8x8,
    {
        #[inline(always)]
        fn abs(self, a: __m512d) -> __m512d {
            unsafe { _mm512_abs_pd(a) }
        }
    }
);

/// Where column `f` of rows of `d` values takes its lanes from when vector `step` of those rows comes in: lane r keeps what
/// it has, or takes the value of the vector that holds it. The first step chooses from vector 0 and vector 1.
const fn lanes_of_column<const LANES: usize>(d: usize, f: usize, step: usize) -> [usize; LANES] {
    let mut from = [0; LANES];
    let mut r = 0;
    while r < LANES {
        let (vector, lane) = ((r * d + f) / LANES, (r * d + f) % LANES);
        from[r] = if vector == step {
            LANES + lane
        } else if step == 1 && vector == 0 {
            lane
        } else {
            r
        };
        r += 1;
    }
    from
}

macro_rules! columns {
    ($name:ident, $float:ty, $v:ty, $lanes:literal, $index:ty, $permute:ident) => {
        #[inline(always)]
        fn $name<const VNNI: bool, const D: usize>(simd: Avx512<VNNI>, rows: &[$float]) -> [$v; D] {
            // Tables are made while compiling: [D][f][step].
            const FROM: [[[[$index; $lanes]; 4]; 4]; 5] = {
                let mut all = [[[[0; $lanes]; 4]; 4]; 5];
                let mut d = 1;
                while d <= 4 {
                    let mut f = 0;
                    while f < d {
                        let mut step = 1;
                        while step < d {
                            let from = lanes_of_column::<$lanes>(d, f, step);
                            let mut r = 0;
                            while r < $lanes {
                                all[d][f][step][r] = from[r] as $index;
                                r += 1;
                            }
                            step += 1;
                        }
                        f += 1;
                    }
                    d += 1;
                }
                all
            };
            let vectors: [$v; D] = Simd::<$float>::load_all(simd, rows);
            let mut columns = vectors;
            for f in 0..D {
                columns[f] = vectors[0];
                for step in 1..D {
                    // SAFETY: called by methods of `Avx512` only; the table's rows are whole vectors.
                    columns[f] = unsafe {
                        $permute(columns[f], _mm512_loadu_si512(FROM[D][f][step].as_ptr().cast()), vectors[step])
                    };
                }
            }
            columns
        }
    };
}

columns!(columns_of_16, f32, __m512, 16, i32, _mm512_permutex2var_ps);
columns!(columns_of_8, f64, __m512d, 8, i64, _mm512_permutex2var_pd);

#[inline(always)]
fn transpose_16x16(r: [__m512; 16]) -> [__m512; 16] {
    // SAFETY: called by methods of `Avx512` only.
    unsafe {
        // Within the four 128-bit lanes first: lane l of `quads[4 * g + c]` holds column 4 l + c of rows 4 g .. 4 g + 4.
        let mut quads = r;
        for g in (0..16).step_by(4) {
            let lo01 = _mm512_unpacklo_ps(r[g], r[g + 1]);
            let hi01 = _mm512_unpackhi_ps(r[g], r[g + 1]);
            let lo23 = _mm512_unpacklo_ps(r[g + 2], r[g + 3]);
            let hi23 = _mm512_unpackhi_ps(r[g + 2], r[g + 3]);
            quads[g] = _mm512_shuffle_ps::<0x44>(lo01, lo23);
            quads[g + 1] = _mm512_shuffle_ps::<0xEE>(lo01, lo23);
            quads[g + 2] = _mm512_shuffle_ps::<0x44>(hi01, hi23);
            quads[g + 3] = _mm512_shuffle_ps::<0xEE>(hi01, hi23);
        }
        // Then a 4 x 4 transposition of the lanes.
        let mut columns = r;
        for c in 0..4 {
            let low01 = _mm512_shuffle_f32x4::<0x44>(quads[c], quads[4 + c]);
            let high01 = _mm512_shuffle_f32x4::<0xEE>(quads[c], quads[4 + c]);
            let low23 = _mm512_shuffle_f32x4::<0x44>(quads[8 + c], quads[12 + c]);
            let high23 = _mm512_shuffle_f32x4::<0xEE>(quads[8 + c], quads[12 + c]);
            columns[c] = _mm512_shuffle_f32x4::<0x88>(low01, low23);
            columns[4 + c] = _mm512_shuffle_f32x4::<0xDD>(low01, low23);
            columns[8 + c] = _mm512_shuffle_f32x4::<0x88>(high01, high23);
            columns[12 + c] = _mm512_shuffle_f32x4::<0xDD>(high01, high23);
        }
        columns
    }
}

#[inline(always)]
fn transpose_8x8(r: [__m512d; 8]) -> [__m512d; 8] {
    // SAFETY: called by methods of `Avx512` only.
    unsafe {
        // Lane l of `pairs[2 * g + c]` holds column 2 l + c of rows 2 g and 2 g + 1.
        let mut pairs = r;
        for g in (0..8).step_by(2) {
            pairs[g] = _mm512_unpacklo_pd(r[g], r[g + 1]);
            pairs[g + 1] = _mm512_unpackhi_pd(r[g], r[g + 1]);
        }
        let mut columns = r;
        for c in 0..2 {
            let low01 = _mm512_shuffle_f64x2::<0x44>(pairs[c], pairs[2 + c]);
            let high01 = _mm512_shuffle_f64x2::<0xEE>(pairs[c], pairs[2 + c]);
            let low23 = _mm512_shuffle_f64x2::<0x44>(pairs[4 + c], pairs[6 + c]);
            let high23 = _mm512_shuffle_f64x2::<0xEE>(pairs[4 + c], pairs[6 + c]);
            columns[c] = _mm512_shuffle_f64x2::<0x88>(low01, low23);
            columns[2 + c] = _mm512_shuffle_f64x2::<0xDD>(low01, low23);
            columns[4 + c] = _mm512_shuffle_f64x2::<0x88>(high01, high23);
            columns[6 + c] = _mm512_shuffle_f64x2::<0xDD>(high01, high23);
        }
        columns
    }
}
