//! Rows and centres rounded to bytes, and what a sum of their products says at least of a distance.
//!
//! With y and t as in [`super::filter`], rows are rounded to multiples of s and centres to multiples of r: y = s q + what is lost, at
//! most l long for the rows that are worked on together, and t_j = r p_j + what is lost, g_j long. With M the longest |y|
//!
//! `||t_j||^2 - 2 y.t_j >= ||t_j||^2 - E_j - 2 s r q.p_j`, `E_j = 2 (l |t_j| + (M + l) g_j)`
//!
//! by Cauchy-Schwarz. In multiples of 2 s r the right sides are sums of whole numbers, from their rounded-down first term on, with
//! 2^30 added as in [`super::screen`].
//!
//! Instructions multiply unsigned bytes by signed ones and add up in 16 bits. Rows therefore have [`OFFSET`] added, which costs
//! a multiple of the sum of p_j that is known beforehand. A sum of 16 bits takes [`CHAIN`] columns, and for the q and p in it
//! `|(q + OFFSET).p| <= |q| |p| + OFFSET |sum of p|` must stay below 2^15: rows are rounded so that |q| is at most
//! [`LONGEST_CHAIN`], and centres so that the rest holds. What is larger than OFFSET steps is cut, and counts as lost.

use super::scores::{Samples, Tiles};
use super::simd::{Level, Simd, Task};
use crate::float::Float;

/// Features in a column.
pub(super) const FEATURES: usize = 4;
/// Columns in a sum of 16 bits, which takes two of the four features.
pub(super) const CHAIN: usize = 16;
/// What is added to q, which goes as far in both directions: twice that times 127, twice, is below 2^15.
const OFFSET: f32 = 63.0;
/// The longest q in a sum: 99 and what rounding 16 numbers adds.
const LONGEST_CHAIN: f64 = 102.0;
/// Standard deviations beyond which rows are cut, if they go farther.
const CUT: f64 = 3.5;
/// More features might overflow 32 bits, or leave only long shortlists.
const MOST_FEATURES: usize = 16_384;
/// As in [`super::screen`].
pub(super) const ZERO: i32 = 1 << 30;
pub(super) const FARTHEST: f64 = 0.9 * ZERO as f64;
const ROUNDER: f32 = (3 << 22) as f32;

/// Centres packed for shortlists.
pub(super) struct Coarse {
    /// -p
    pub tiles: Tiles<f32>,
    pub centers: Vec<Center>,
    /// t (k, d)
    pub shifted: Vec<f32>,
    pub shift: Vec<f32>,
    /// r
    pub step: f64,
    /// Centres that the screen scores in the time of one distance, which is to one that lies anywhere in memory.
    pub a_distance: usize,
}

/// What is known of a centre.
#[derive(Clone, Copy, Default)]
pub(super) struct Center {
    /// ||t||^2 and |t|
    norm: f64,
    pub length: f64,
    /// g
    pub lost: f64,
    /// Of -p.
    sum: i32,
}

/// From where on shortlists pay, and what a distance costs, with sums of 16 bits; and where instructions for neural networks
/// double the speed of the screen too.
const SUMS_OF_16_BITS: Terms = Terms { features: 32, centers: 384, products: 0, a_distance: 12 };
const WIDE_SUMS: Terms = Terms { features: 64, centers: 512, products: 1 << 17, a_distance: 25 };

#[derive(Clone, Copy)]
struct Terms {
    features: usize,
    centers: usize,
    /// Features times centres.
    products: usize,
    a_distance: usize,
}

impl Terms {
    #[inline(always)]
    fn of<S: Simd<f32>>() -> Terms {
        if S::WIDE_DOT_BYTES { WIDE_SUMS } else { SUMS_OF_16_BITS }
    }
}

impl Coarse {
    /// Whether shortlists are faster than the screen for `k` centres of `d` features, on data that do not call for many distances.
    pub fn pays(k: usize, d: usize, level: Level) -> bool {
        struct Pays {
            k: usize,
            d: usize,
        }
        impl Task<f32> for Pays {
            type Out = bool;
            #[inline(always)]
            fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> bool {
                let (Pays { k, d }, terms) = (self, Terms::of::<S>());
                S::FAST_DOT && d >= terms.features && k >= terms.centers && k * d >= terms.products
            }
        }
        level.run(Pays { k, d })
    }

    /// None where the instruction set gains nothing, or there is nothing to tell apart. `shift` is what is still to be taken
    /// from the rows.
    pub fn new(centers: &[f64], center_shift: &[f64], shift: Vec<f32>, level: Level) -> Option<Coarse> {
        struct Together;
        impl Task<f32> for Together {
            type Out = Option<(usize, Terms)>;
            #[inline(always)]
            fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Self::Out {
                S::FAST_DOT.then_some((CENTERS, Terms::of::<S>()))
            }
        }
        let (together, Terms { a_distance, .. }) = level.run(Together)?;
        let (d, k) = (shift.len(), centers.len() / shift.len());
        if d > MOST_FEATURES {
            return None;
        }
        let (mut largest, mut widest, mut most) = (0.0_f64, 0.0_f64, 0.0_f64);
        for center in centers.chunks_exact(d) {
            let t = center.iter().zip(center_shift).map(|(c, m)| c - m);
            let [mut square, mut chains] = [0.0, 0.0_f64];
            for_chains(t.clone(), |squares, sum| {
                square += squares;
                chains = chains.max(limit(squares, sum));
            });
            if square.is_nan() {
                return None;
            }
            largest = largest.max(square);
            widest = widest.max(chains);
            most = t.fold(most, |most, t| most.max(t.abs()));
        }
        // Room for rounding, and for centres that move.
        let step = (widest / 30_000.0).max(most / 120.0);
        if !(1e-30..1e30).contains(&largest) {
            return None;
        }
        let tiles = Tiles::new(k, d.div_ceil(FEATURES), together);
        let (known, shifted) = (vec![Center::default(); k], vec![0.0; k * d]);
        let mut coarse = Coarse { tiles, centers: known, shifted, shift, step, a_distance };
        coarse.put(centers, 0..k, center_shift).then_some(coarse)
    }

    /// Puts some of the `centers` (k, d) in their places. False where one of them is too far out.
    pub fn put(&mut self, centers: &[f64], mut which: impl Iterator<Item = usize>, center_shift: &[f64]) -> bool {
        let d = center_shift.len();
        which.all(|j| self.put_one(j, &centers[j * d..][..d], center_shift))
    }

    fn put_one(&mut self, j: usize, center: &[f64], center_shift: &[f64]) -> bool {
        let d = center.len();
        let steps = 1.0 / self.step;
        let (mut norm, mut lost, mut sum, mut most) = (0.0, 0.0, 0.0, 0.0_f64);
        let mut whole = |c: f64, m: f64| {
            let t = c - m;
            let p = -(t * steps).round_ties_even();
            norm += t * t;
            lost += (t + self.step * p) * (t + self.step * p);
            sum += p;
            most = most.max(p.abs());
            p
        };
        let mut p = Vec::with_capacity(d);
        for ((t, &c), &m) in self.shifted[j * d..].iter_mut().zip(center).zip(center_shift) {
            *t = (c - m) as f32;
            p.push(whole(c, m));
        }
        for (slot, p) in self.tiles.center_mut(j).zip(p.chunks(FEATURES)) {
            let bytes = p.iter().enumerate().map(|(f, &p)| u32::from(p as i8 as u8) << (8 * f));
            *slot = f32::from_index(bytes.sum());
        }
        let mut widest = 0.0_f64;
        for_chains(p.into_iter(), |squares, sum| widest = widest.max(limit(squares, sum)));
        self.centers[j] = Center { norm, length: norm.sqrt(), lost: lost.sqrt(), sum: sum as i32 };
        widest <= 32_767.0 && most <= 127.0
    }
}

/// The squares and the sum of the values that go into each sum of 16 bits.
#[inline(always)]
fn for_chains(values: impl Iterator<Item = f64>, mut each: impl FnMut(f64, f64)) {
    let mut halves = [(0.0, 0.0); 2];
    for (f, value) in values.enumerate() {
        if f % (CHAIN * FEATURES) == 0 {
            halves.iter().for_each(|&(squares, sum)| each(squares, sum));
            halves = Default::default();
        }
        let (squares, sum) = &mut halves[f % FEATURES / 2];
        *squares += value * value;
        *sum += value;
    }
    halves.iter().for_each(|&(squares, sum)| each(squares, sum));
}

/// What a sum of 16 bits is at most for such p.
#[inline(always)]
fn limit(squares: f64, sum: f64) -> f64 {
    LONGEST_CHAIN * squares.sqrt() + f64::from(OFFSET) * sum.abs()
}

/// How the rows that are worked on together are scored.
pub(super) struct Scale {
    /// 2 s r
    pub unit: f64,
    /// l and M.
    pub lost: f64,
    pub longest: f64,
    /// E's factors for |t| and g.
    pub of_length: f64,
    pub of_lost: f64,
    /// The largest |t|, and the smallest |t| and g.
    pub farthest: f64,
    pub least_length: f64,
    pub least_lost: f64,
}

impl Scale {
    /// For rows of at most `longest`, in steps `s` that lose at most `lost`; None where scores could overflow.
    fn new(coarse: &Coarse, longest: f64, s: f64, lost: f64) -> Option<Scale> {
        let unit = 2.0 * s * coarse.step;
        // 4 u M for y = x - m.
        let (of_length, of_lost) = (2.0 * (lost + 4.0 * f32::UNIT_ROUNDOFF * longest), 2.0 * (longest + lost));
        let [mut farthest, mut most_lost] = [0.0_f64; 2];
        let [mut least_length, mut least_lost] = [f64::INFINITY; 2];
        for center in &coarse.centers {
            (farthest, least_length) = (farthest.max(center.length), least_length.min(center.length));
            (most_lost, least_lost) = (most_lost.max(center.lost), least_lost.min(center.lost));
        }
        let error = of_length * farthest + of_lost * most_lost;
        let d = coarse.shift.len() as f64;
        let products = (longest / s + d.sqrt()) * (farthest / coarse.step + d.sqrt());
        let fit = (farthest * farthest + error) / unit + products + 8.0 < FARTHEST;
        fit.then_some(Scale { unit, lost, longest, of_length, of_lost, farthest, least_length, least_lost })
    }

    /// Writes where scores start.
    #[inline(always)]
    pub fn start(&self, coarse: &Coarse, starts: &mut Vec<f32>) {
        let units = 1.0 / self.unit;
        starts.clear();
        starts.extend(coarse.centers.iter().map(|center| {
            let low = (center.norm - self.of_length * center.length - self.of_lost * center.lost) * units;
            // Two less for the roundings on the way here.
            let low = ZERO - 2 + low.floor() as i32;
            f32::from_index(low.wrapping_sub(OFFSET as i32 * center.sum) as u32)
        }));
        // What fills the last tile up is farther than any centre, and no products are added to it.
        starts.resize(coarse.tiles.padded(), f32::MAX);
    }
}

/// Rows (n, d) rounded to bytes.
#[derive(Default)]
pub(super) struct Bytes {
    /// q + OFFSET, [block][column][lane]
    pub whole: Vec<f32>,
    /// How much that lost of each row, at most.
    pub lost: Vec<f32>,
}

impl Bytes {
    /// Rounds `samples`, to be scored against `coarse`; None where whole numbers do not fit them.
    #[inline(always)]
    pub fn round<S: Simd<f32>, const VECTORS: usize>(
        &mut self,
        simd: S,
        samples: &Samples<f32>,
        coarse: &Coarse,
    ) -> Option<Scale> {
        let d = coarse.shift.len();
        // Y and the rest err by no more, and a little for the verdicts here.
        let up = 1.0 + (d + 32) as f64 * f32::UNIT_ROUNDOFF;
        let [longest, most, chain] = extent::<S, VECTORS>(simd, samples, d).map(|extent| extent * up);
        // False for NaN and infinity.
        if !(longest > 1e-15 && longest < 1e15) {
            return None;
        }
        let steps = (f64::from(OFFSET) / most.min(CUT * longest / (d as f64).sqrt())).min(98.9 / chain) as f32;
        let s = 1.0 / f64::from(steps);
        let lost = round::<S, VECTORS>(simd, &samples.values, d, steps, &mut self.whole, &mut self.lost);
        // Differences of up to OFFSET err by 2^-18 in a feature at most.
        let length = |square: f64| (square.sqrt() * up + 1e-5 * (d as f64).sqrt()) * s;
        self.lost.iter_mut().for_each(|lost| *lost = length(f64::from(*lost)) as f32);
        Scale::new(coarse, longest, s, length(lost) * (1.0 + 1e-6))
    }
}

/// The longest |y|, the largest |y_f|, and the longest part of a row that goes into a sum of 16 bits, but for NaN.
#[inline(always)]
fn extent<S: Simd<f32>, const VECTORS: usize>(simd: S, samples: &Samples<f32>, d: usize) -> [f64; 3] {
    let width = VECTORS * S::LANES;
    let zero = simd.splat(0.0);
    let [mut longest, mut most, mut chain] = [zero; 3];
    for norms in samples.norms.chunks_exact(S::LANES) {
        longest = simd.max(simd.load(norms), longest);
    }
    for block in samples.values.chunks_exact(width * d) {
        for part in block.chunks(width * FEATURES * CHAIN) {
            for v in 0..VECTORS {
                let mut halves = [zero; 2];
                for column in part.chunks(width * FEATURES) {
                    for f in 0..FEATURES.min(column.len() / width) {
                        let y = simd.load(&column[f * width + v * S::LANES..]);
                        most = simd.max(simd.max(y, simd.sub(zero, y)), most);
                        if f < FEATURES / 2 {
                            halves[0] = simd.fma(y, y, halves[0]);
                        } else {
                            halves[1] = simd.fma(y, y, halves[1]);
                        }
                    }
                }
                chain = simd.max(halves[0], simd.max(halves[1], chain));
            }
        }
    }
    [largest(simd, longest).sqrt(), largest(simd, most), largest(simd, chain).sqrt()]
}

#[inline(always)]
fn largest<S: Simd<f32>>(simd: S, v: S::V) -> f64 {
    let mut lanes = [0.0_f32; 16];
    simd.store(v, &mut lanes);
    lanes.into_iter().fold(0.0, |most, lane| f64::max(most, lane.into()))
}

/// Rounds `samples` times `steps`, [block][feature][lane], to whole numbers, cut at [`OFFSET`] and with that added, by four in
/// a column. Writes the square of what that lost of each row to `lost_of`, and returns the largest but for NaN.
#[inline(always)]
fn round<S: Simd<f32>, const VECTORS: usize>(
    simd: S,
    samples: &[f32],
    d: usize,
    steps: f32,
    whole: &mut Vec<f32>,
    lost_of: &mut Vec<f32>,
) -> f64 {
    let width = VECTORS * S::LANES;
    let columns = d.div_ceil(FEATURES);
    whole.resize(samples.len() / d * columns, 0.0);
    lost_of.resize(samples.len() / d, 0.0);
    let (steps, rounder) = (simd.splat(steps), simd.splat(ROUNDER));
    let (zero, byte, offsets) = (simd.splat(0.0), simd.splat(256.0), simd.splat(ROUNDER + 257.0 * OFFSET));
    let (least, most) = (simd.splat(-OFFSET), simd.splat(OFFSET));
    let mut worst = zero;
    let blocks = samples.chunks_exact(width * d).zip(whole.chunks_exact_mut(width * columns));
    for ((samples, whole), lost_of) in blocks.zip(lost_of.chunks_exact_mut(width)) {
        let mut lost = [zero; VECTORS];
        for (samples, whole) in samples.chunks(FEATURES * width).zip(whole.chunks_exact_mut(width)) {
            for v in 0..VECTORS {
                let mut q = [zero; FEATURES];
                for f in 0..FEATURES.min(samples.len() / width) {
                    let y = simd.load(&samples[f * width + v * S::LANES..]);
                    let rounded = simd.sub(simd.fma(y, steps, rounder), rounder);
                    q[f] = simd.min(simd.max(rounded, least), most);
                    let rest = simd.fma(y, steps, simd.sub(zero, q[f]));
                    lost[v] = simd.fma(rest, rest, lost[v]);
                }
                let low = simd.fma(q[1], byte, simd.add(q[0], offsets));
                let high = simd.fma(q[3], byte, simd.add(q[2], offsets));
                simd.store(simd.pairs(low, high), &mut whole[v * S::LANES..]);
            }
        }
        for v in 0..VECTORS {
            simd.store(lost[v], &mut lost_of[v * S::LANES..]);
            worst = simd.max(lost[v], worst);
        }
    }
    largest(simd, worst)
}
