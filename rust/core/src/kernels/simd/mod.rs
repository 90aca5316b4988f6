//! Instruction sets behind one trait, and the only unsafe code of the crate.
//!
//! A kernel is written once, generic over [`Simd`], as the `run` of a [`Task`]; [`Level::run`] calls it inside a function
//! compiled for the level's instruction set. Everything between that function and the intrinsics must be
//! `#[inline(always)]`, or it would be compiled for the baseline CPU; closures cannot be, so vectors stay out of
//! `array::from_fn` and the like (one such load cost half of a kernel's time). A value of an instruction-set type (`Avx2`, ...) is
//! the proof that [`Level::detect`] saw the CPU support it; that is what makes its safe methods sound.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod float_mode;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

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
    /// Whether [`Simd::dot`] is faster than [`Simd::fma`] on as many features.
    const FAST_DOT: bool = false;
    /// Whether [`Simd::dot_bytes`] adds up in 32 bits, so that nothing wraps around.
    const WIDE_DOT_BYTES: bool = false;

    /// All lanes `x`.
    fn splat(self, x: F) -> Self::V;
    /// The first `LANES` values of `from`; panics if it is shorter.
    fn load(self, from: &[F]) -> Self::V;
    /// The first `N * LANES` values of `from`; panics if it is shorter.
    #[inline(always)]
    fn load_all<const N: usize>(self, from: &[F]) -> [Self::V; N] {
        let mut vectors = [self.splat(F::default()); N];
        for (v, vector) in vectors.iter_mut().enumerate() {
            *vector = self.load(&from[v * Self::LANES..]);
        }
        vectors
    }
    /// Writes the first `LANES` values of `to`; panics if it is shorter.
    fn store(self, v: Self::V, to: &mut [F]);
    /// Asks for values that will be needed soon.
    #[inline(always)]
    fn prefetch<T>(self, _: &[T]) {}
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a - b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a * b
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a * b + c, rounded once where the CPU can and twice where it cannot: for filters only, whose bounds allow both.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The square root, rounded.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// The sum of all lanes, in any order.
    fn sum(self, a: Self::V) -> F;
    /// a < b
    fn lt(self, a: Self::V, b: Self::V) -> Self::M;
    /// Both masks.
    fn and(self, a: Self::M, b: Self::M) -> Self::M;
    /// `a` where the mask is set, else `b`.
    fn select(self, mask: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// Whether every lane is set.
    fn all(self, mask: Self::M) -> bool;
    /// Which lanes are set: the lowest bit is that of the first.
    #[inline(always)]
    fn bits(self, mask: Self::M) -> u32 {
        let mut lanes = [F::default(); 16];
        self.store(self.select(mask, self.splat(F::from_index(1)), self.splat(F::default())), &mut lanes);
        lanes.iter().enumerate().fold(0, |bits, (l, lane)| bits | lane.to_index() << l)
    }
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
    /// The value without its sign.
    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        self.max(a, self.sub(self.splat(F::default()), a))
    }
    /// The lowest 16 bits of the representations of `low` and of `high`, side by side in the lowest 32 of each lane.
    #[inline(always)]
    fn pairs(self, low: Self::V, high: Self::V) -> Self::V {
        self.by_lanes([low, high, low], |[low, high, _]| F::from_index(low.to_index() & 0xFFFF | high.to_index() << 16))
    }
    /// `sum` + a . b for two signed numbers of 16 bits in each lane of a and b, see [`Simd::pairs`], as a whole number of 32 bits;
    /// wraps around.
    #[inline(always)]
    fn dot(self, a: Self::V, b: Self::V, sum: Self::V) -> Self::V {
        self.by_lanes([a, b, sum], |[a, b, sum]| {
            let [a, b, sum] = [a.to_index(), b.to_index(), sum.to_index()];
            let low = i32::from(a as i16) * i32::from(b as i16);
            let high = i32::from((a >> 16) as i16) * i32::from((b >> 16) as i16);
            F::from_index((sum as i32).wrapping_add(low).wrapping_add(high) as u32)
        })
    }
    /// Adds the products of four unsigned bytes in each lane of `a` and four signed ones of `b` to `part`, in which only
    /// [`Simd::add_bytes`] can read. Two products add up in 16 bits, and for lack of other instructions two such sums wrap around
    /// there: b times 510 must be below 2^15, and so must each half of what `part` comes to.
    #[inline(always)]
    fn dot_bytes(self, a: Self::V, b: Self::V, part: Self::V) -> Self::V {
        self.by_lanes([a, b, part], |[a, b, part]| {
            let (a, b, part) = (a.to_index().to_le_bytes(), b.to_index().to_le_bytes(), part.to_index());
            let product = |f: usize| i16::from(a[f]).wrapping_mul(i16::from(b[f] as i8));
            let low = (part as i16).wrapping_add(product(0)).wrapping_add(product(1));
            let high = ((part >> 16) as i16).wrapping_add(product(2)).wrapping_add(product(3));
            F::from_index(u32::from(low as u16) | u32::from(high as u16) << 16)
        })
    }
    /// `sum`, a whole number as [`Simd::dot`] has them, and what [`Simd::dot_bytes`] added up in `part`.
    #[inline(always)]
    fn add_bytes(self, part: Self::V, sum: Self::V) -> Self::V {
        self.by_lanes([part, sum, part], |[part, sum, _]| {
            let part = part.to_index();
            let both = i32::from(part as i16) + i32::from((part >> 16) as i16);
            F::from_index((sum.to_index() as i32).wrapping_add(both) as u32)
        })
    }
    /// a + b of whole numbers as [`Simd::dot`] has them; wraps around.
    #[inline(always)]
    fn add_whole(self, a: Self::V, b: Self::V) -> Self::V {
        self.by_lanes([a, b, a], |[a, b, _]| F::from_index(a.to_index().wrapping_add(b.to_index())))
    }
    /// The bits that a and b both have, of whole numbers as [`Simd::dot`] has them.
    #[inline(always)]
    fn and_whole(self, a: Self::V, b: Self::V) -> Self::V {
        self.by_lanes([a, b, a], |[a, b, _]| F::from_index(a.to_index() & b.to_index()))
    }
    /// The values of whole numbers as [`Simd::dot`] has them, rounded.
    #[inline(always)]
    fn float_of_whole(self, a: Self::V) -> Self::V {
        self.by_lanes([a, a, a], |[a, _, _]| F::from_f64(f64::from(a.to_index() as i32)))
    }
    /// What has no vector instruction.
    #[inline(always)]
    fn by_lanes(self, of: [Self::V; 3], each: impl Fn([F; 3]) -> F) -> Self::V {
        let [mut a, mut b, mut c] = [[F::default(); 16]; 3];
        self.store(of[0], &mut a);
        self.store(of[1], &mut b);
        self.store(of[2], &mut c);
        for l in 0..Self::LANES {
            a[l] = each([a[l], b[l], c[l]]);
        }
        self.load(&a)
    }
    /// The columns of the first `LANES` rows of `D` values, for a `D` of at most 4; panics if `rows` is shorter.
    #[inline(always)]
    fn columns<const D: usize>(self, rows: &[F]) -> [Self::V; D] {
        let mut columns = [self.splat(F::default()); D];
        for (f, column) in columns.iter_mut().enumerate() {
            let mut values = [F::default(); 16];
            for (value, row) in values[..Self::LANES].iter_mut().zip(rows.chunks_exact(D)) {
                *value = row[f];
            }
            *column = self.load(&values);
        }
        columns
    }
    /// Transposes a `LANES` x `LANES` tile of rows less `shift`: `to[c * to_stride + r] = from[r * from_stride + c] - shift[c]`.
    /// Returns the rows' sums of squares.
    #[inline(always)]
    fn transpose(self, from: &[F], from_stride: usize, shift: &[F], to: &mut [F], to_stride: usize) -> Self::V {
        for r in 0..Self::LANES {
            let row = &from[r * from_stride..][..Self::LANES];
            for (c, &value) in row.iter().enumerate() {
                to[c * to_stride + r] = value;
            }
        }
        let mut squares = self.splat(F::default());
        for (c, &m) in shift[..Self::LANES].iter().enumerate() {
            let to = &mut to[c * to_stride..];
            let y = self.sub(self.load(to), self.splat(m));
            self.store(y, to);
            squares = self.fma(y, y, squares);
        }
        squares
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that go wrong first.
    const AWKWARD: [f64; 12] =
        [0.0, -0.0, 1.5, -3.0, 1e-42, -1e-42, 3e38, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 7.0, 1e-30];

    /// Compares every operation with scalar code, lane by lane, over all pairs of awkward values.
    struct Check;

    impl<F: Float + std::ops::Add<Output = F> + std::ops::Sub<Output = F> + std::ops::Mul<Output = F>> Task<F> for Check {
        type Out = usize;

        #[inline(always)]
        fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> usize {
            let same = |got: F, want: F, what: &str| {
                let (got, want) = (got.to_f64(), want.to_f64());
                assert!(
                    got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
                    "{what}: {got} is not {want}"
                );
            };
            let pairs: Vec<(F, F)> =
                AWKWARD.iter().flat_map(|&a| AWKWARD.iter().map(move |&b| (F::from_f64(a), F::from_f64(b)))).collect();
            for pairs in pairs.chunks_exact(S::LANES) {
                let (a, b): (Vec<F>, Vec<F>) = pairs.iter().copied().unzip();
                let (va, vb) = (simd.load(&a), simd.load(&b));
                let lanes = |v: S::V| {
                    let mut lanes = vec![F::default(); S::LANES];
                    simd.store(v, &mut lanes);
                    lanes
                };
                let less = simd.lt(va, vb);
                assert_eq!(simd.all(less), pairs.iter().all(|(a, b)| a < b));
                assert!(!simd.all(simd.and(less, simd.lt(vb, va))));
                for (l, &(a, b)) in pairs.iter().enumerate() {
                    same(lanes(simd.splat(a))[l], a, "splat");
                    same(lanes(simd.add(va, vb))[l], a + b, "add");
                    same(lanes(simd.sub(va, vb))[l], a - b, "sub");
                    same(lanes(simd.mul(va, vb))[l], a * b, "mul");
                    same(lanes(simd.sqrt(va))[l], F::from_f64(a.to_f64().sqrt()), "sqrt");
                    same(lanes(simd.abs(va))[l], F::from_f64(a.to_f64().abs()), "abs");
                    same(lanes(simd.min(va, vb))[l], if a < b { a } else { b }, "min");
                    same(lanes(simd.max(va, vb))[l], if a > b { a } else { b }, "max");
                    same(lanes(simd.select(less, va, vb))[l], if a < b { a } else { b }, "select");
                    // Exact whether it rounds once or twice.
                    same(
                        lanes(simd.fma(va, simd.splat(F::from_f64(2.0)), simd.splat(F::from_f64(-0.0))))[l],
                        a + a,
                        "fma",
                    );
                }
            }
            let ones: Vec<F> = (0..S::LANES).map(|l| F::from_f64((1 << l) as f64)).collect();
            same(simd.sum(simd.load(&ones)), F::from_f64(((1 << S::LANES) - 1) as f64), "sum");
            whole_numbers::<F, S>(simd);
            columns::<F, S, 1>(simd);
            columns::<F, S, 2>(simd);
            columns::<F, S, 3>(simd);
            columns::<F, S, 4>(simd);
            let n = S::LANES;
            let (from_stride, to_stride) = (n + 3, n + 1);
            let from: Vec<F> = (0..n * from_stride).map(|i| F::from_f64(i as f64)).collect();
            let mut to = vec![F::default(); n * to_stride];
            let shift: Vec<F> = (0..n).map(|c| F::from_f64(c as f64)).collect();
            let squares = simd.transpose(&from, from_stride, &shift, &mut to, to_stride);
            let mut sums = vec![F::default(); n];
            simd.store(squares, &mut sums);
            for r in 0..n {
                for c in 0..n {
                    same(to[c * to_stride + r], from[r * from_stride + c] - shift[c], "transpose");
                }
                // Whole numbers, so exact in any order.
                same(sums[r], (0..n).map(|c| to[c * to_stride + r]).fold(F::default(), |s, y| s + y * y), "squares");
            }
            n
        }
    }

    #[inline(always)]
    fn whole_numbers<F: Float, S: Simd<F>>(simd: S) {
        let lanes = |v: S::V| {
            let mut lanes = vec![F::default(); S::LANES];
            simd.store(v, &mut lanes);
            lanes
        };
        let whole = |of: fn(i32) -> i32| {
            let lanes: Vec<F> = (0..S::LANES as i32).map(|l| F::from_index(of(l) as u32)).collect();
            simd.load(&lanes)
        };
        // Both ends of 16 bits, what is beyond them, and sums beyond 31 bits.
        let a = simd.pairs(whole(|l| l - 3), whole(|l| 0x1_7FFF - l));
        let b = simd.pairs(whole(|l| 2 * l), whole(|l| l - 32_767));
        let sum = simd.dot(a, b, simd.splat(F::from_index(7)));
        let twice = simd.add_whole(sum, sum);
        // Bytes at both ends of what they may be.
        let (q, p) = (whole(|l| 0x7E_00_7E_01 + l), whole(|l| 0x7F_81_81_10 - l));
        let part = simd.dot_bytes(
            q,
            p,
            simd.dot_bytes(whole(|_| 0x01_02_03_04), whole(|_| 0xFFFF_FFFF_u32 as i32), simd.splat(F::default())),
        );
        let bytes = lanes(simd.float_of_whole(simd.add_bytes(part, simd.splat(F::from_index(1000)))));
        assert_eq!(simd.bits(simd.lt(whole(|l| 3 * l), simd.splat(F::from_index(6)))), 0b11);
        let low = lanes(simd.float_of_whole(simd.and_whole(sum, simd.splat(F::from_index(0xFF)))));
        let (values, wrapped) =
            (lanes(simd.float_of_whole(sum)), lanes(simd.float_of_whole(simd.add_whole(twice, twice))));
        for l in 0..S::LANES as i32 {
            let want = 7 + (l - 3) * (2 * l) - (32_767 - l) * (32_767 - l);
            assert_eq!(values[l as usize].to_f64(), F::from_f64(f64::from(want)).to_f64());
            assert_eq!(low[l as usize].to_f64(), f64::from(want & 0xFF));
            let want_bytes = 1000 - 10 + (1 + l) * (16 - l) - 0x7E * 0x7F + 0x7E * 0x7F;
            assert_eq!(bytes[l as usize].to_f64(), f64::from(want_bytes));
            let want = want.wrapping_mul(4);
            assert_eq!(wrapped[l as usize].to_f64(), F::from_f64(f64::from(want)).to_f64());
        }
    }

    #[inline(always)]
    fn columns<F: Float, S: Simd<F>, const D: usize>(simd: S) {
        let rows: Vec<F> = (0..S::LANES * D).map(|i| F::from_f64(i as f64)).collect();
        for (f, column) in simd.columns::<D>(&rows).into_iter().enumerate() {
            let mut values = vec![F::default(); S::LANES];
            simd.store(column, &mut values);
            for (r, value) in values.into_iter().enumerate() {
                assert_eq!(value, rows[r * D + f]);
            }
        }
    }

    #[test]
    fn every_level_computes_what_scalar_code_does() {
        for level in Level::available() {
            println!(
                "{}: {} lanes of f32, {} of f64",
                level.name(),
                level.run::<f32, _>(Check),
                level.run::<f64, _>(Check)
            );
        }
    }

    #[test]
    fn an_index_survives_selection() {
        struct Carry;
        impl<F: Float> Task<F> for Carry {
            type Out = ();
            #[inline(always)]
            fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
                for index in [0, 1, 255, 65_536, 0x7FFF_FFFE] {
                    let carried = simd.select(
                        simd.lt(simd.splat(F::default()), simd.splat(F::INFINITY)),
                        simd.splat(F::from_index(index)),
                        simd.splat(F::default()),
                    );
                    let mut lanes = vec![F::default(); S::LANES];
                    simd.store(carried, &mut lanes);
                    assert!(lanes.iter().all(|lane| lane.to_index() == index));
                }
            }
        }
        for level in Level::available() {
            level.run::<f32, _>(Carry);
            level.run::<f64, _>(Carry);
        }
    }
}
