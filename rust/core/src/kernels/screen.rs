//! Which rows may be nearer to one of some candidates than to the nearest centre they have.
//!
//! Sums of squared differences in the rows' own type, samples in vector lanes. No term is negative and nothing cancels, so
//! the rounding is relative: with unit roundoff u and d features, a term passes at most d + 3 roundings (its difference,
//! its square and the additions), hence `(1 + u)^-(d + 3) D <= s <= (1 + u)^(d + 3) D`, but for underflow of at most d
//! smallest normal numbers. The definition of D (see [`super::direct`]) errs by no more. A row is left out where every s is
//! above the distance that the row has by more than both: each D is then no smaller, as the definition itself would find.
//! NaN, infinity and overflow fail the comparison, so such rows are never left out.

use super::simd::{Level, Simd, Task};
use crate::float::Float;

/// Candidates whose sums are in registers together.
const GROUP: usize = 4;
/// Samples in the widest block: 4 vectors of 16.
const MOST_LANES: usize = 64;

/// Candidates packed for screening rows of type `T`.
pub struct Screen<T> {
    /// [group][feature][candidate of the group]
    values: Vec<T>,
    d: usize,
    /// More than a distance and all roundings: `widen * distance + floor`.
    widen: f64,
    floor: f64,
}

impl<T: Float> Screen<T> {
    /// Packs `candidates` (t, d), which are rows: their values are exact in `T`.
    pub fn new(candidates: &[f64], d: usize) -> Screen<T> {
        let mut values = Vec::with_capacity(candidates.len());
        for group in candidates.chunks(GROUP * d) {
            for f in 0..d {
                values.extend(group[f..].iter().step_by(d).map(|&c| T::from_f64(c)));
            }
        }
        // Twice the roundings of a sum, and some for those of the limit itself.
        let widen = (1.0 + T::UNIT_ROUNDOFF).powi(2 * (d as i32 + 8));
        Screen { values, d, widen, floor: 2.0 * (d + 8) as f64 * T::MIN_NORMAL }
    }

    /// Lists the positions of those `rows` (n, d) that may be nearer to a candidate than `nearest` (n) says, in order.
    pub fn scan(&self, rows: &[T], nearest: &[f64], near: &mut Vec<u32>, lanes: &mut Lanes<T>, level: Level) {
        near.resize(nearest.len(), 0);
        let found = level.run(Scan { screen: self, rows, nearest, near, lanes });
        near.truncate(found);
    }
}

/// A block of samples, transposed: scratch space.
#[derive(Default)]
pub struct Lanes<T> {
    /// [feature][sample]
    samples: Vec<T>,
    padded: Vec<T>,
}

struct Scan<'a, T> {
    screen: &'a Screen<T>,
    rows: &'a [T],
    nearest: &'a [f64],
    /// As long as `nearest`.
    near: &'a mut [u32],
    lanes: &'a mut Lanes<T>,
}

impl<T: Float> Task<T> for Scan<'_, T> {
    /// How many were found.
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> usize {
        let Scan { screen, rows, nearest, near, lanes } = self;
        let d = screen.d;
        let width = VECTORS * S::LANES;
        let (yes, no) = (simd.splat(T::from_index(1)), simd.splat(T::default()));
        let mut found = 0;
        lanes.samples.resize(width * d, T::default());
        for (b, (block, nearest)) in rows.chunks(width * d).zip(nearest.chunks(width)).enumerate() {
            // Written before the rows are loaded: a vector load right behind these narrow stores would wait for them.
            let mut limits = [T::default(); MOST_LANES];
            for (limit, nearest) in limits.iter_mut().zip(nearest) {
                *limit = T::from_f64(nearest * screen.widen + screen.floor);
            }
            lanes.load::<S, VECTORS>(simd, block, d);
            let limits: [S::V; VECTORS] = simd.load_all(&limits);
            let mut far = [simd.lt(no, yes); VECTORS];
            for group in screen.values.chunks(GROUP * d) {
                far = match group.len() / d {
                    1 => farther::<T, S, VECTORS, 1>(simd, &lanes.samples, group, limits, far),
                    2 => farther::<T, S, VECTORS, 2>(simd, &lanes.samples, group, limits, far),
                    3 => farther::<T, S, VECTORS, 3>(simd, &lanes.samples, group, limits, far),
                    _ => farther::<T, S, VECTORS, GROUP>(simd, &lanes.samples, group, limits, far),
                };
            }
            let mut all_far = far[0];
            for v in 1..VECTORS {
                all_far = simd.and(all_far, far[v]);
            }
            // Most blocks, once there are some centres.
            if simd.all(all_far) {
                continue;
            }
            let mut flags = [T::default(); MOST_LANES];
            for v in 0..VECTORS {
                simd.store(simd.select(far[v], no, yes), &mut flags[v * S::LANES..]);
            }
            for (r, flag) in flags[..nearest.len()].iter().enumerate() {
                // Written always and kept where wanted: a branch would be mispredicted.
                near[found] = (b * width + r) as u32;
                found += flag.to_index() as usize;
            }
        }
        found
    }
}

impl<T: Float> Lanes<T> {
    /// Transposes a block of at most `VECTORS` vectors of rows.
    #[inline(always)]
    fn load<S: Simd<T>, const VECTORS: usize>(&mut self, simd: S, block: &[T], d: usize) {
        let width = VECTORS * S::LANES;
        let block = if block.len() == width * d {
            block
        } else {
            self.padded.clear();
            self.padded.extend_from_slice(block);
            self.padded.resize(width * d, T::default());
            &self.padded
        };
        let to = &mut self.samples[..width * d];
        match d {
            1 => columns::<T, S, 1>(simd, block, to, width),
            2 => columns::<T, S, 2>(simd, block, to, width),
            3 => columns::<T, S, 3>(simd, block, to, width),
            4 => columns::<T, S, 4>(simd, block, to, width),
            _ if d < S::LANES => {
                for (r, row) in block.chunks_exact(d).enumerate() {
                    row.iter().enumerate().for_each(|(f, &x)| to[f * width + r] = x);
                }
            }
            _ => {
                let no_shift = [T::default(); MOST_LANES];
                for f in (0..d).step_by(S::LANES) {
                    let f = f.min(d - S::LANES); // the last tile may overlap the one before
                    for v in 0..VECTORS {
                        let rows = &block[v * S::LANES * d + f..];
                        simd.transpose(rows, d, &no_shift, &mut to[f * width + v * S::LANES..], width);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn columns<T: Float, S: Simd<T>, const D: usize>(simd: S, block: &[T], to: &mut [T], width: usize) {
    for (v, rows) in block.chunks_exact(S::LANES * D).enumerate() {
        let columns = simd.columns::<D>(rows);
        for f in 0..D {
            simd.store(columns[f], &mut to[f * width + v * S::LANES..]);
        }
    }
}

/// Keeps set in `far` the samples that are beyond their limits from all candidates of a group.
#[inline(always)]
fn farther<T: Float, S: Simd<T>, const VECTORS: usize, const N: usize>(
    simd: S,
    samples: &[T],
    group: &[T],
    limits: [S::V; VECTORS],
    mut far: [S::M; VECTORS],
) -> [S::M; VECTORS] {
    let mut sums = [[simd.splat(T::default()); VECTORS]; N];
    for (values, candidates) in samples.chunks_exact(VECTORS * S::LANES).zip(group.chunks_exact(N)) {
        let x: [S::V; VECTORS] = simd.load_all(values);
        for c in 0..N {
            let candidate = simd.splat(candidates[c]);
            for v in 0..VECTORS {
                let difference = simd.sub(x[v], candidate);
                sums[c][v] = simd.fma(difference, difference, sums[c][v]);
            }
        }
    }
    for c in 0..N {
        for v in 0..VECTORS {
            far[v] = simd.and(far[v], simd.lt(limits[v], sums[c][v]));
        }
    }
    far
}
