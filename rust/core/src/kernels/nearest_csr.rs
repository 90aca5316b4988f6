//! [`super::nearest`] for CSR rows: k x stored values of work, nothing densified but what stays undecided.
//!
//! A score is ||c_j||^2 - 2 sum over stored cells of x_f c_jf, in f32 at first. Centres lie transposed, (d, k), so that a cell
//! adds to the scores of many centres at once, and these stay in registers for all cells of a row. What the error bound leaves
//! of the centres is scored again in f64, and what that leaves is decided by the definition.

use std::ops::Range;

use super::codebook::Codebook;
use super::direct::add_up;
use super::simd::{Simd, Task};
use crate::error::Result;
use crate::float::Float;
use crate::rows::{Csr, Rows};
use crate::run::{Pulse, Run};

/// Rows between two looks at whether to stop.
const STRIP: usize = 64;

/// As [`super::nearest::assign_range`].
pub(super) fn assign_range<F: Float>(
    rows: &Csr<'_, F>,
    range: Range<usize>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    pulse: &Pulse<'_>,
) -> Result<usize> {
    let columns = codebook.columns();
    let d = codebook.d();
    let mut lows = vec![0.0; columns.k_padded];
    let mut candidates = Vec::new();
    let mut dense = Vec::new();
    let mut rescored = 0;
    for (label, i) in labels.iter_mut().zip(range) {
        if i % STRIP == 0 {
            pulse.check()?;
        }
        let (features, values) = rows.row(i);
        codebook.level().run(Score { features, values, columns, lows: &mut lows, candidates: &mut candidates });
        if let [j] = candidates[..] {
            *label = j as i32;
            continue;
        }
        rescored += 1;
        columns.score_again(features, values, codebook.centers(), &mut candidates);
        if let [j] = candidates[..] {
            *label = j as i32;
            continue;
        }
        dense.resize(d, 0.0);
        Rows::Csr(*rows).write_row(i, &mut dense);
        let mut nearest = (0, f64::INFINITY);
        for &j in &candidates {
            let distance = super::direct::distance(&dense, &codebook.centers()[j as usize * d..][..d]);
            if distance < nearest.1 {
                nearest = (j, distance);
            }
        }
        super::nearest::check(nearest.1, || Rows::Csr(*rows).blame(i))?;
        *label = nearest.0 as i32;
    }
    Ok(rescored)
}

/// Centres (d, k), each row padded to whole vectors.
pub(super) struct Columns {
    values: Vec<f32>,
    k: usize,
    k_padded: usize,
    d: usize,
    /// ||c_j||^2
    norms: Vec<f64>,
    /// (1 - B) ||c_j||^2
    starts: Vec<f32>,
    /// ||c_j||
    lengths: Vec<f32>,
    /// Whether every score of a row that can be squared is finite.
    finite: bool,
}

impl Columns {
    /// `centers` (k, d).
    pub(super) fn new(centers: &[f64], d: usize) -> Columns {
        /// Lanes of the widest level.
        const LANES: usize = 16;
        let k = centers.len() / d;
        let k_padded = k.next_multiple_of(LANES);
        let mut columns = Columns {
            values: vec![0.0; d * k_padded],
            k,
            k_padded,
            d,
            norms: vec![0.0; k],
            starts: vec![f32::INFINITY; k_padded],
            lengths: vec![0.0; k_padded],
            finite: false,
        };
        let which: Vec<usize> = (0..k).collect();
        for (b, block) in columns.values.chunks_mut(TOGETHER * k_padded).enumerate() {
            put_block(block, b, k_padded, centers, &which, d);
        }
        columns.put_norms(centers, &which);
        columns
    }

    /// Takes over those of `centers` (k, d) that are in `which`.
    pub(super) fn put(&mut self, centers: &[f64], which: &[usize], run: &Run<'_>) -> Result<()> {
        let (d, k_padded) = (self.d, self.k_padded);
        let blocks: Vec<_> = self.values.chunks_mut(TOGETHER * k_padded).enumerate().collect();
        run.map(blocks, 4 * which.len() * d, |(b, block), _| {
            put_block(block, b, k_padded, centers, which, d);
            Ok(())
        })?;
        self.put_norms(centers, which);
        Ok(())
    }

    fn put_norms(&mut self, centers: &[f64], which: &[usize]) {
        for &j in which {
            let norm = add_up([&centers[j * self.d..][..self.d]], |[c]| c * c);
            self.norms[j] = norm;
            self.starts[j] = (norm * (1.0 - norm_error::<f32>(self.d))) as f32;
            self.lengths[j] = norm.sqrt() as f32;
        }
        self.finite = self.norms.iter().all(|&norm| norm < f32::NORM_LIMIT);
    }

    /// Keeps those of the `candidates` that may be nearest by f64 scores.
    fn score_again<F: Float>(&self, features: &[i32], values: &[F], centers: &[f64], candidates: &mut Vec<u32>) {
        let norm: f64 = values.iter().map(|x| x.to_f64() * x.to_f64()).sum();
        let error = Error::new::<f64>(features.len(), self.d, norm);
        let range = |j: u32| {
            let center = &centers[j as usize * self.d..][..self.d];
            let product: f64 = features.iter().zip(values).map(|(&f, x)| x.to_f64() * center[f as usize]).sum();
            let error = error.of(self.norms[j as usize]);
            let score = self.norms[j as usize] - 2.0 * product;
            [score - error, score + error]
        };
        let ranges: Vec<[f64; 2]> = candidates.iter().map(|&j| range(j)).collect();
        let limit = ranges.iter().fold(f64::INFINITY, |limit, &[_, high]| limit.min(high)) + error.row;
        let mut ranges = ranges.into_iter();
        // Whatever is NaN stays.
        candidates.retain(|_| ranges.next().is_some_and(|[low, _]| low <= limit || low.is_nan() || limit.is_nan()));
    }
}

/// Features whose columns stay in the cache while they are filled.
const TOGETHER: usize = 128;

/// Writes what the features of the `b`-th [`TOGETHER`] are in the centres of `which`.
fn put_block(block: &mut [f32], b: usize, k_padded: usize, centers: &[f64], which: &[usize], d: usize) {
    for &j in which {
        let features = block.iter_mut().skip(j).step_by(k_padded);
        features.zip(&centers[j * d + b * TOGETHER..(j + 1) * d]).for_each(|(value, &c)| *value = c as f32);
    }
}

/// How much the score of a row may be off: rounding of the score itself by [`Error::of`], and what the definition's own
/// rounding and underflow add, by `row`.
struct Error {
    /// For each unit of ||c_j||
    slope: f64,
    /// For each unit of ||c_j||^2
    own: f64,
    row: f64,
}

impl Error {
    /// For scores in `T` of a row of so many `terms` and ||x||^2 = `norm`.
    ///
    /// A sum of products errs by a rounding a term, two for the factors and one for the product, each relative to at most
    /// ||x|| ||c_j|| (Cauchy and Schwarz); adding ||c_j||^2, taking the error away and rounding the error itself are four more.
    fn new<T: Float>(terms: usize, d: usize, norm: f64) -> Error {
        let products = (terms as f64 + 8.0) * T::UNIT_ROUNDOFF * 1.02;
        // The distances of the definition err by d + 3 roundings each, of at most 2 (||x||^2 + ||c||^2).
        let definition = 4.04 * (d as f64 + 3.0) * f64::UNIT_ROUNDOFF;
        // Factors and products that underflow, of any row and center that are not themselves beyond the limits.
        let floor = (d as f64 + 8.0) * T::MIN_NORMAL;
        let slope = 2.0 * products * norm.sqrt() + 4.0 * floor;
        Error { slope, own: norm_error::<T>(d), row: definition * norm + floor * (8.0 + 2.0 * norm) }
    }

    /// For a center of ||c||^2 = `norm`.
    fn of(&self, norm: f64) -> f64 {
        self.slope * norm.sqrt() + self.own * norm
    }
}

/// B: roundings of ||c_j||^2 on the way into a score, of its sum in f64, and the definition's.
fn norm_error<T: Float>(d: usize) -> f64 {
    8.0 * T::UNIT_ROUNDOFF + 6.0 * (d as f64 + 8.0) * f64::UNIT_ROUNDOFF
}

/// Finds the centres that may be nearest to one row, by their f32 scores.
struct Score<'a, F> {
    features: &'a [i32],
    values: &'a [F],
    columns: &'a Columns,
    /// What the scores are at least.
    lows: &'a mut [f32],
    candidates: &'a mut Vec<u32>,
}

impl<F: Float> Task<f32> for Score<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(mut self, simd: S) {
        self.candidates.clear();
        let norm: f64 = self.values.iter().map(|x| x.to_f64() * x.to_f64()).sum();
        let columns = self.columns;
        // Nor is NaN below it.
        let usable = columns.finite && norm < f32::NORM_LIMIT;
        if !usable {
            self.candidates.extend(0..columns.k as u32);
            return;
        }
        let error = Error::new::<f32>(self.features.len(), columns.d, norm);
        let slope = simd.splat(-error.slope as f32);
        let mut first = 0;
        let mut least = simd.splat(f32::INFINITY);
        // As many scores at a time as stay in registers.
        while first < columns.k_padded {
            let left = (columns.k_padded - first) / S::LANES;
            let (done, low) = match left {
                8.. => (8, self.block::<S, 8>(simd, first, slope)),
                4.. => (4, self.block::<S, 4>(simd, first, slope)),
                2.. => (2, self.block::<S, 2>(simd, first, slope)),
                _ => (1, self.block::<S, 1>(simd, first, slope)),
            };
            least = simd.min(low, least);
            first += done * S::LANES;
        }
        let mut lanes = [f32::INFINITY; 16];
        simd.store(least, &mut lanes);
        let least = lanes.iter().copied().fold(f32::INFINITY, f32::min);
        let Score { lows, candidates, .. } = self;
        // The nearest centre's score is at most the highest that the lowest one can be.
        let lowest = lows.iter().position(|&low| low == least).unwrap_or(0);
        let limit = f64::from(least) + 2.0 * error.of(columns.norms[lowest]) + error.row;
        let limit = (limit + 2.0 * f32::UNIT_ROUNDOFF * limit.abs()) as f32;
        let above = simd.splat(limit);
        for (v, lows) in lows.chunks_exact(S::LANES).enumerate() {
            let mut beyond = !simd.bits(simd.lt(above, simd.load(lows))) & (u32::MAX >> (32 - S::LANES));
            while beyond != 0 {
                candidates.push((v * S::LANES) as u32 + beyond.trailing_zeros());
                beyond &= beyond - 1;
            }
        }
    }
}

impl<F: Float> Score<'_, F> {
    /// Writes the lows of the `V` vectors of centres from `first` on; returns the least by lane.
    #[inline(always)]
    fn block<S: Simd<f32>, const V: usize>(&mut self, simd: S, first: usize, slope: S::V) -> S::V {
        let columns = self.columns;
        let mut scores = [simd.splat(0.0); V];
        for (&f, value) in self.features.iter().zip(self.values) {
            let scale = simd.splat(-2.0 * value.to_f64() as f32);
            let column = &columns.values[f as usize * columns.k_padded + first..][..V * S::LANES];
            for (v, score) in scores.iter_mut().enumerate() {
                *score = simd.fma(scale, simd.load(&column[v * S::LANES..]), *score);
            }
        }
        let mut least = simd.splat(f32::INFINITY);
        for (v, score) in scores.into_iter().enumerate() {
            let at = first + v * S::LANES;
            let score = simd.add(simd.load(&columns.starts[at..]), score);
            let low = simd.fma(slope, simd.load(&columns.lengths[at..]), score);
            simd.store(low, &mut self.lows[at..]);
            least = simd.min(low, least);
        }
        least
    }
}
