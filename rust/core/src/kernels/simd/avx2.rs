//! AVX2 with FMA: 32-byte vectors, 16 registers.

#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports)] // an instruction set's intrinsics, by their own names

use std::arch::x86_64::*;

use super::{Simd, Task};
use crate::float::Float;

/// Exists only after [`detected`] said yes.
#[derive(Clone, Copy)]
pub struct Avx2(());

pub fn detected() -> bool {
    // And what every processor with these has, for the loops around vectors.
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

pub fn run<F: Float, T: Task<F>>(task: T) -> T::Out
where
    Avx2: Simd<F>,
{
    #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn compiled<F: Float, T: Task<F>>(task: T, simd: Avx2) -> T::Out
    where
        Avx2: Simd<F>,
    {
        // 12 accumulators, 2 vectors of samples and 2 broadcasts fill the 16 registers; 3 x 4 spills one.
        task.run::<Avx2, 2, 6>(simd)
    }
    assert!(detected());
    // SAFETY: just detected.
    unsafe { compiled(task, Avx2(())) }
}

macro_rules! avx2 {
    ($float:ty, $v:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident,
     $fma:ident, $sqrt:ident, $sum:ident, $cmp:ident, $and:ident, $blend:ident, $movemask:ident, $min:ident, $max:ident, $columns:ident, $transpose:ident, {$($whole:tt)*}) => {
        // SAFETY of every block: an `Avx2` exists only where avx2 and fma were detected; loads and stores go through a
        // slice of LANES values, whose length is checked.
        impl Simd<$float> for Avx2 {
            type V = $v;
            type M = $v;
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
                $sum(a)
            }
            #[inline(always)]
            fn lt(self, a: Self::V, b: Self::V) -> Self::M {
                unsafe { $cmp::<_CMP_LT_OQ>(a, b) }
            }
            #[inline(always)]
            fn and(self, a: Self::M, b: Self::M) -> Self::M {
                unsafe { $and(a, b) }
            }
            #[inline(always)]
            fn select(self, mask: Self::M, a: Self::V, b: Self::V) -> Self::V {
                unsafe { $blend(b, a, mask) }
            }
            #[inline(always)]
            fn all(self, mask: Self::M) -> bool {
                unsafe { $movemask(mask) == (1 << $lanes) - 1 }
            }
            #[inline(always)]
            fn bits(self, mask: Self::M) -> u32 {
                unsafe { $movemask(mask) as u32 }
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

avx2!(
    f32,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_sqrt_ps,
    sum_of_8,
    _mm256_cmp_ps,
    _mm256_and_ps,
    _mm256_blendv_ps,
    _mm256_movemask_ps,
    _mm256_min_ps,
    _mm256_max_ps,
    columns_of_8,
    transpose_8x8,
    {
        const FAST_DOT: bool = true;

        #[inline(always)]
        fn abs(self, a: __m256) -> __m256 {
            unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
        }
        #[inline(always)]
        fn pairs(self, low: __m256, high: __m256) -> __m256 {
            unsafe {
                let high = _mm256_slli_epi32::<16>(_mm256_castps_si256(high));
                _mm256_castsi256_ps(_mm256_blend_epi16::<0xAA>(_mm256_castps_si256(low), high))
            }
        }
        #[inline(always)]
        fn dot(self, a: __m256, b: __m256, sum: __m256) -> __m256 {
            unsafe {
                let products = _mm256_madd_epi16(_mm256_castps_si256(a), _mm256_castps_si256(b));
                _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), products))
            }
        }
        #[inline(always)]
        fn dot_bytes(self, a: __m256, b: __m256, part: __m256) -> __m256 {
            unsafe {
                let products = _mm256_maddubs_epi16(_mm256_castps_si256(a), _mm256_castps_si256(b));
                _mm256_castsi256_ps(_mm256_add_epi16(_mm256_castps_si256(part), products))
            }
        }
        #[inline(always)]
        fn add_bytes(self, part: __m256, sum: __m256) -> __m256 {
            unsafe {
                let both = _mm256_madd_epi16(_mm256_castps_si256(part), _mm256_set1_epi16(1));
                _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), both))
            }
        }
        #[inline(always)]
        fn add_whole(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b))) }
        }
        #[inline(always)]
        fn and_whole(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_castsi256_ps(_mm256_and_si256(_mm256_castps_si256(a), _mm256_castps_si256(b))) }
        }
        #[inline(always)]
        fn float_of_whole(self, a: __m256) -> __m256 {
            unsafe { _mm256_cvtepi32_ps(_mm256_castps_si256(a)) }
        }
    }
);
avx2!(
    f64,
    __m256d,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    _mm256_sqrt_pd,
    sum_of_4,
    _mm256_cmp_pd,
    _mm256_and_pd,
    _mm256_blendv_pd,
    _mm256_movemask_pd,
    _mm256_min_pd,
    _mm256_max_pd,
    columns_of_4,
    transpose_4x4,
    {
        #[inline(always)]
        fn abs(self, a: __m256d) -> __m256d {
            unsafe { _mm256_andnot_pd(_mm256_set1_pd(-0.0), a) }
        }
    }
);

#[inline(always)]
fn sum_of_8(a: __m256) -> f32 {
    // SAFETY: called by methods of `Avx2` only.
    unsafe {
        let fours = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
        let twos = _mm_add_ps(fours, _mm_movehl_ps(fours, fours));
        _mm_cvtss_f32(_mm_add_ss(twos, _mm_movehdup_ps(twos)))
    }
}

#[inline(always)]
fn sum_of_4(a: __m256d) -> f64 {
    // SAFETY: called by methods of `Avx2` only.
    unsafe {
        let twos = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd::<1>(a));
        _mm_cvtsd_f64(_mm_add_sd(twos, _mm_unpackhi_pd(twos, twos)))
    }
}

/// Columns of 8 rows of `D` values, by shuffles within 128-bit lanes that hold rows r and r + 4.
#[inline(always)]
fn columns_of_8<const D: usize>(simd: Avx2, rows: &[f32]) -> [__m256; D] {
    let mut columns = [simd.splat(0.0_f32); D];
    // SAFETY: called by methods of `Avx2` only; the values from 4 i and from 4 (D + i) on are within the D * 8 values.
    unsafe {
        assert!(rows.len() >= D * 8);
        let mut halves = [simd.splat(0.0_f32); 4];
        for (i, half) in halves[..D].iter_mut().enumerate() {
            *half = _mm256_loadu2_m128(rows.as_ptr().add(4 * (D + i)), rows.as_ptr().add(4 * i));
        }
        let [a, b, c, d] = halves;
        match D {
            1 => columns[0] = a,
            2 => {
                columns[0] = _mm256_shuffle_ps::<0x88>(a, b);
                columns[1] = _mm256_shuffle_ps::<0xDD>(a, b);
            }
            3 => {
                let xy = _mm256_shuffle_ps::<0x9E>(b, c); // x2 y2 x3 y3
                let yz = _mm256_shuffle_ps::<0x49>(a, b); // y0 z0 y1 z1
                columns[0] = _mm256_shuffle_ps::<0x8C>(a, xy);
                columns[1] = _mm256_shuffle_ps::<0xD8>(yz, xy);
                columns[2] = _mm256_shuffle_ps::<0xCD>(yz, c);
            }
            4 => {
                let (low_ab, high_ab) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (low_cd, high_cd) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                columns[0] = _mm256_shuffle_ps::<0x44>(low_ab, low_cd);
                columns[1] = _mm256_shuffle_ps::<0xEE>(low_ab, low_cd);
                columns[2] = _mm256_shuffle_ps::<0x44>(high_ab, high_cd);
                columns[3] = _mm256_shuffle_ps::<0xEE>(high_ab, high_cd);
            }
            _ => unreachable!("at most 4 columns"),
        }
    }
    columns
}

/// Columns of 4 rows of `D` values, by shuffles within 128-bit lanes that hold rows r and r + 2.
#[inline(always)]
fn columns_of_4<const D: usize>(simd: Avx2, rows: &[f64]) -> [__m256d; D] {
    let mut columns = [simd.splat(0.0_f64); D];
    // SAFETY: called by methods of `Avx2` only; the values from 2 i and from 2 (D + i) on are within the D * 4 values.
    unsafe {
        assert!(rows.len() >= D * 4);
        let mut halves = [simd.splat(0.0_f64); 4];
        for (i, half) in halves[..D].iter_mut().enumerate() {
            *half = _mm256_loadu2_m128d(rows.as_ptr().add(2 * (D + i)), rows.as_ptr().add(2 * i));
        }
        let [a, b, c, d] = halves;
        match D {
            1 => columns[0] = a,
            2 => {
                columns[0] = _mm256_unpacklo_pd(a, b);
                columns[1] = _mm256_unpackhi_pd(a, b);
            }
            3 => {
                columns[0] = _mm256_shuffle_pd::<0b1010>(a, b);
                columns[1] = _mm256_shuffle_pd::<0b0101>(a, c);
                columns[2] = _mm256_shuffle_pd::<0b1010>(b, c);
            }
            4 => {
                columns[0] = _mm256_unpacklo_pd(a, c);
                columns[1] = _mm256_unpackhi_pd(a, c);
                columns[2] = _mm256_unpacklo_pd(b, d);
                columns[3] = _mm256_unpackhi_pd(b, d);
            }
            _ => unreachable!("at most 4 columns"),
        }
    }
    columns
}

#[inline(always)]
fn transpose_8x8(r: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: called by methods of `Avx2` only.
    unsafe {
        // Pairs within 128-bit lanes, then quadruples, then the lanes themselves.
        let lo = |a, b| _mm256_unpacklo_ps(a, b);
        let hi = |a, b| _mm256_unpackhi_ps(a, b);
        let t = [
            lo(r[0], r[1]),
            hi(r[0], r[1]),
            lo(r[2], r[3]),
            hi(r[2], r[3]),
            lo(r[4], r[5]),
            hi(r[4], r[5]),
            lo(r[6], r[7]),
            hi(r[6], r[7]),
        ];
        let q = [
            _mm256_shuffle_ps::<0x44>(t[0], t[2]),
            _mm256_shuffle_ps::<0xEE>(t[0], t[2]),
            _mm256_shuffle_ps::<0x44>(t[1], t[3]),
            _mm256_shuffle_ps::<0xEE>(t[1], t[3]),
            _mm256_shuffle_ps::<0x44>(t[4], t[6]),
            _mm256_shuffle_ps::<0xEE>(t[4], t[6]),
            _mm256_shuffle_ps::<0x44>(t[5], t[7]),
            _mm256_shuffle_ps::<0xEE>(t[5], t[7]),
        ];
        [
            _mm256_permute2f128_ps::<0x20>(q[0], q[4]),
            _mm256_permute2f128_ps::<0x20>(q[1], q[5]),
            _mm256_permute2f128_ps::<0x20>(q[2], q[6]),
            _mm256_permute2f128_ps::<0x20>(q[3], q[7]),
            _mm256_permute2f128_ps::<0x31>(q[0], q[4]),
            _mm256_permute2f128_ps::<0x31>(q[1], q[5]),
            _mm256_permute2f128_ps::<0x31>(q[2], q[6]),
            _mm256_permute2f128_ps::<0x31>(q[3], q[7]),
        ]
    }
}

#[inline(always)]
fn transpose_4x4(r: [__m256d; 4]) -> [__m256d; 4] {
    // SAFETY: called by methods of `Avx2` only.
    unsafe {
        let t = [
            _mm256_unpacklo_pd(r[0], r[1]),
            _mm256_unpackhi_pd(r[0], r[1]),
            _mm256_unpacklo_pd(r[2], r[3]),
            _mm256_unpackhi_pd(r[2], r[3]),
        ];
        [
            _mm256_permute2f128_pd::<0x20>(t[0], t[2]),
            _mm256_permute2f128_pd::<0x20>(t[1], t[3]),
            _mm256_permute2f128_pd::<0x31>(t[0], t[2]),
            _mm256_permute2f128_pd::<0x31>(t[1], t[3]),
        ]
    }
}
