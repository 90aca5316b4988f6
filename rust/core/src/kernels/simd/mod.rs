//! Instruction sets behind one trait, and the only unsafe code of the crate.
//!
//! A kernel is written once, generic over [`Simd`], as the `run` of a [`Task`]; [`Level::run`] calls it inside a function
//! compiled for the level's instruction set. Everything between that function and the intrinsics must be
//! `#[inline(always)]`, or it would be compiled for the baseline CPU. A value of an instruction-set type (`Avx2`, ...) is
//! the proof that [`Level::detect`] saw the CPU support it; that is what makes its safe methods sound.

mod portable;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod float_mode;
#[cfg(target_arch = "aarch64")]
mod neon;

use std::sync::OnceLock;

use crate::float::Float;

/// Arithmetic on vectors of `F`. All comparisons with NaN are false.
pub trait Simd<F: Float>: Copy {
    /// A vector register.
    type V: Copy;
    /// One boolean for each lane.
    type M: Copy;
    /// Values in a vector.
    const LANES: usize;

    /// All lanes `x`.
    fn splat(self, x: F) -> Self::V;
    /// The first `LANES` values of `from`; panics if it is shorter.
    fn load(self, from: &[F]) -> Self::V;
    /// Writes the first `LANES` values of `to`; panics if it is shorter.
    fn store(self, v: Self::V, to: &mut [F]);
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a - b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a * b
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a * b + c, rounded once where the CPU can and twice where it cannot: for filters only, whose bounds allow both.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// a < b
    fn lt(self, a: Self::V, b: Self::V) -> Self::M;
    /// Both masks.
    fn and(self, a: Self::M, b: Self::M) -> Self::M;
    /// `a` where the mask is set, else `b`.
    fn select(self, mask: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// Whether every lane is set.
    fn all(self, mask: Self::M) -> bool;
    /// The smaller of both; `b` if either is NaN.
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        self.select(self.lt(a, b), a, b)
    }
    /// The larger of both; `b` if either is NaN.
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        self.select(self.lt(b, a), a, b)
    }
    /// Transposes a `LANES` x `LANES` tile: `to[c * to_stride + r] = from[r * from_stride + c]`.
    #[inline(always)]
    fn transpose(self, from: &[F], from_stride: usize, to: &mut [F], to_stride: usize) {
        for r in 0..Self::LANES {
            let row = &from[r * from_stride..][..Self::LANES];
            for (c, &value) in row.iter().enumerate() {
                to[c * to_stride + r] = value;
            }
        }
    }
}

/// A computation that can be compiled for every instruction set.
///
/// `VECTORS` and `CENTERS` are the shape of the accumulator tile that fills the level's registers: that many vectors of
/// samples times that many centres.
pub trait Task<F: Float> {
    /// What it computes.
    type Out;
    /// The computation; must be `#[inline(always)]`.
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> Self::Out;
}

/// Element types that every instruction set computes with.
pub trait Dispatch: Sized {
    /// Runs `task` compiled for `level`.
    fn dispatch<T: Task<Self>>(level: Level, task: T) -> T::Out
    where
        Self: Float;
}

macro_rules! dispatch {
    ($float:ty) => {
        impl Dispatch for $float {
            fn dispatch<T: Task<$float>>(level: Level, task: T) -> T::Out {
                match level.0 {
                    Set::Portable => task.run::<portable::Portable, 2, 4>(portable::Portable),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => avx2::run::<$float, T>(task),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => avx512::run::<$float, T>(task),
                    #[cfg(target_arch = "aarch64")]
                    Set::Neon => neon::run::<$float, T>(task),
                }
            }
        }
    };
}

dispatch!(f32);
dispatch!(f64);

/// An instruction set of this CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// The best level of this CPU, or the one that `FULCRA_SIMD` names if the CPU has it; looked up once.
    pub fn detect() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let wanted = std::env::var("FULCRA_SIMD").unwrap_or_default();
            let available = Level::available();
            let best = available[available.len() - 1];
            available.into_iter().find(|level| level.name() == wanted).unwrap_or(best)
        })
    }

    /// Every level that this CPU can run, worst first.
    pub fn available() -> Vec<Level> {
        let mut levels = vec![Level(Set::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if avx2::detected() {
                levels.push(Level(Set::Avx2));
            }
            if avx512::detected() {
                levels.push(Level(Set::Avx512));
            }
        }
        #[cfg(target_arch = "aarch64")]
        levels.push(Level(Set::Neon));
        levels
    }

    /// As `FULCRA_SIMD` spells it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Set::Neon => "neon",
        }
    }

    /// Runs `task` compiled for this level.
    pub fn run<F: Float, T: Task<F>>(self, task: T) -> T::Out {
        F::dispatch(self, task)
    }
}
