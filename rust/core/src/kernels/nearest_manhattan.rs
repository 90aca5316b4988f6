//! The nearest centre of every dense row by Manhattan distance.
//!
//! **The definition.** The label of row x is the j that minimises `(|x_0 - c_j0| + |x_1 - c_j1|) + ...` in f64, features in order,
//! each operation rounded; the lowest j on a tie.
//!
//! Rows in vector lanes are held against broadcast centres by the same sums in the rows' own type. For f64 rows that is the
//! definition. For f32 it is a filter: nothing cancels, so with unit roundoff u a term passes at most d + 1 roundings (its
//! difference and the d - 1 additions; |.| is exact, and so is all that is subnormal), and a sum errs by less than a share
//! `g = (d + 3) u`. Centres that f32 cannot hold are off by what their rounding adds up to. Where the lowest two sums are not
//! farther apart than that, the definition decides.
//!
//! Bounds on a row's distances outlive small moves of the centres as those of [`super::bounds`] do: Hamerly's argument holds for any
//! metric.

use std::sync::OnceLock;

use super::manhattan::{Manhattan, by_feature};
use super::nearer::{MOST_LANES, fill_up, transpose};
use super::simd::{Level, Simd, Task};
use crate::float::Float;

/// Centres that are summed side by side, so that no addition waits for another.
const TILE: usize = 4;

/// Centres (k, d), prepared for finding the nearest.
pub struct Codebook<F> {
    exact: Vec<f64>,
    /// In tiles, [tile][feature][centre of the tile]; infinity beyond the last.
    packed: Vec<F>,
    k: usize,
    d: usize,
    /// At least what rounding a centre to `F` changes any of its distances by.
    off: f64,
    level: Level,
    /// The centres' features in lines of their own, and the length of a line.
    features: OnceLock<(Vec<f64>, usize)>,
}

impl<F: Float> Codebook<F> {
    /// Packs `centers` (k, d).
    pub fn new(centers: Vec<f64>, d: usize, level: Level) -> Self {
        let k = centers.len() / d;
        let mut packed = vec![F::INFINITY; k.next_multiple_of(TILE) * d];
        let mut off = 0.0_f64;
        for (j, center) in centers.chunks_exact(d).enumerate() {
            let tile = &mut packed[j / TILE * TILE * d..][..TILE * d];
            let mut rounded = 0.0;
            for (slots, &c) in tile.chunks_exact_mut(TILE).zip(center) {
                slots[j % TILE] = F::from_f64(c);
                rounded += (c - slots[j % TILE].to_f64()).abs();
            }
            off = off.max(rounded * (1.0 + slack(d)));
        }
        Codebook { exact: centers, packed, k, d, off, level, features: OnceLock::new() }
    }

    /// The centres (k, d).
    pub fn centers(&self) -> &[f64] {
        &self.exact
    }

    /// Number of centres.
    pub fn k(&self) -> usize {
        self.k
    }

    /// What it was packed for.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The definition's distances from one row, (k,).
    pub fn distances(&self, row: &[f64], out: &mut [f64]) {
        let (features, stride) = self.features.get_or_init(|| by_feature(&self.exact, self.d));
        self.level.run(Manhattan { rows: row, features, stride: *stride, out, k: self.k });
    }

    /// The share that a sum of the kernel errs by, and enough for its own square: (1 - g) (1 + g + 2 g^2) > 1.
    fn error(&self) -> f64 {
        let share = (self.d + 3) as f64 * F::UNIT_ROUNDOFF;
        share * (1.0 + 2.0 * share)
    }
}

/// Twice the share that a sum of d differences in f64 errs by, in any order.
pub fn slack(d: usize) -> f64 {
    (d + 4) as f64 * f64::EPSILON
}

/// The lowest two of a row's distances.
#[derive(Clone, Copy, Debug)]
pub struct Lowest {
    /// The centre that it is nearest to.
    pub label: u32,
    /// Whether that is certain.
    pub decided: bool,
    /// At least the distance from it.
    pub upper: f64,
    /// At most the distance from it.
    pub least: f64,
    /// At most the distance from any other.
    pub lower: f64,
}

impl Lowest {
    /// Before anything is known.
    pub const UNKNOWN: Lowest = Lowest { label: 0, decided: false, upper: f64::INFINITY, least: 0.0, lower: 0.0 };

    /// From the definition's distances; `upper` is infinite, or NaN, where none is finite.
    pub fn of(distances: &[f64], d: usize) -> Lowest {
        let (mut label, mut best, mut second) = (0, f64::INFINITY, f64::INFINITY);
        for (j, &distance) in distances.iter().enumerate() {
            if distance < best {
                (label, second, best) = (j, best, distance);
            } else if distance < second {
                second = distance;
            }
        }
        let slack = slack(d);
        Lowest {
            label: label as u32,
            decided: best < f64::INFINITY,
            upper: best * (1.0 + slack),
            least: best * (1.0 - slack),
            lower: second * (1.0 - slack),
        }
    }
}

/// Scratch space.
#[derive(Default)]
pub struct Lanes<F> {
    samples: Vec<F>,
    padded: Vec<F>,
}

/// The lowest two distances of every row.
pub struct Scan<'a, F> {
    /// (n, d)
    pub rows: &'a [F],
    /// The centres.
    pub codebook: &'a Codebook<F>,
    /// (n,)
    pub lowest: &'a mut [Lowest],
    /// Scratch space.
    pub lanes: &'a mut Lanes<F>,
}

impl<F: Float> Task<F> for Scan<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Scan { rows, codebook, lowest, lanes } = self;
        let d = codebook.d;
        let width = VECTORS * S::LANES;
        let (error, slack) = (codebook.error(), slack(d));
        // Then the sums are the definition's.
        let exact = F::UNIT_ROUNDOFF == f64::UNIT_ROUNDOFF && codebook.off == 0.0;
        lanes.samples.resize(width * d, F::default());
        for (block, lowest) in rows.chunks(width * d).zip(lowest.chunks_mut(width)) {
            let block = if lowest.len() == width { block } else { fill_up(block, &mut lanes.padded, width * d) };
            transpose::<F, S, VECTORS>(simd, block, d, &mut lanes.samples);
            let mut best = [simd.splat(F::INFINITY); VECTORS];
            let mut second = best;
            let mut names = [simd.splat(F::from_index(0)); VECTORS];
            for (t, tile) in codebook.packed.chunks_exact(TILE * d).enumerate() {
                let sums = tile_sums::<F, S, VECTORS>(simd, &lanes.samples, tile);
                for (c, sums) in sums.into_iter().enumerate() {
                    let name = simd.splat(F::from_index((t * TILE + c) as u32));
                    for v in 0..VECTORS {
                        let nearer = simd.lt(sums[v], best[v]);
                        second[v] = simd.min(simd.max(best[v], sums[v]), second[v]);
                        best[v] = simd.select(nearer, sums[v], best[v]);
                        names[v] = simd.select(nearer, name, names[v]);
                    }
                }
            }
            let [mut bests, mut seconds, mut labels] = [[F::default(); MOST_LANES]; 3];
            for v in 0..VECTORS {
                simd.store(best[v], &mut bests[v * S::LANES..]);
                simd.store(second[v], &mut seconds[v * S::LANES..]);
                simd.store(names[v], &mut labels[v * S::LANES..]);
            }
            for (r, lowest) in lowest.iter_mut().enumerate() {
                // A sum that overflowed says no more than that it is beyond the largest value.
                let (best, second) = (bests[r].to_f64(), seconds[r].to_f64().min(8.0 * F::NORM_LIMIT));
                let upper = best * (1.0 + error + slack) + codebook.off;
                let least = (best * (1.0 - error - slack) - codebook.off).max(0.0);
                let lower = (second * (1.0 - error - slack) - codebook.off).max(0.0);
                let decided = if exact { best < f64::INFINITY } else { upper < lower };
                *lowest = Lowest { label: labels[r].to_index(), decided, upper, least, lower };
            }
        }
    }
}

/// Sums of a block of samples for a tile of centres.
#[inline(always)]
fn tile_sums<F: Float, S: Simd<F>, const VECTORS: usize>(
    simd: S,
    samples: &[F],
    tile: &[F],
) -> [[S::V; VECTORS]; TILE] {
    let mut sums = [[simd.splat(F::default()); VECTORS]; TILE];
    for (values, centers) in samples.chunks_exact(VECTORS * S::LANES).zip(tile.chunks_exact(TILE)) {
        let x: [S::V; VECTORS] = simd.load_all(values);
        for c in 0..TILE {
            let center = simd.splat(centers[c]);
            for v in 0..VECTORS {
                sums[c][v] = simd.add(sums[c][v], simd.abs(simd.sub(x[v], center)));
            }
        }
    }
    sums
}

/// All sums of rows (n, d), written to `out` (n, k): near the distances for f32, the definition's for f64.
pub struct Sums<'a, F> {
    /// (n, d)
    pub rows: &'a [F],
    /// The centres.
    pub codebook: &'a Codebook<F>,
    /// (n, k)
    pub out: &'a mut [F],
    /// Scratch space.
    pub lanes: &'a mut Lanes<F>,
}

impl<F: Float> Task<F> for Sums<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Sums { rows, codebook, out, lanes } = self;
        let (d, k) = (codebook.d, codebook.k);
        let width = VECTORS * S::LANES;
        lanes.samples.resize(width * d, F::default());
        for (block, out) in rows.chunks(width * d).zip(out.chunks_mut(width * k)) {
            let n = out.len() / k;
            let block = if n == width { block } else { fill_up(block, &mut lanes.padded, width * d) };
            transpose::<F, S, VECTORS>(simd, block, d, &mut lanes.samples);
            for (t, tile) in codebook.packed.chunks_exact(TILE * d).enumerate() {
                let sums = tile_sums::<F, S, VECTORS>(simd, &lanes.samples, tile);
                for (c, sums) in sums.into_iter().enumerate().take(k - t * TILE) {
                    let mut lane = [F::default(); MOST_LANES];
                    for (v, sum) in sums.into_iter().enumerate() {
                        simd.store(sum, &mut lane[v * S::LANES..]);
                    }
                    for (out, &sum) in out[t * TILE + c..].iter_mut().step_by(k).zip(&lane[..n]) {
                        *out = sum;
                    }
                }
            }
        }
    }
}

/// Nearly the distance, added up in the fastest order: within half of [`slack`] of it, and of the definition's.
#[inline(always)]
pub fn distance(x: &[impl Float], c: &[f64]) -> f64 {
    const CHAINS: usize = 8;
    let mut sums = [0.0; CHAINS];
    let (xs, cs) = (x.chunks_exact(CHAINS), c.chunks_exact(CHAINS));
    let rest = xs.remainder().iter().zip(cs.remainder()).fold(0.0, |sum, (x, c)| sum + (x.to_f64() - c).abs());
    for (x, c) in xs.zip(cs) {
        for f in 0..CHAINS {
            sums[f] += (x[f].to_f64() - c[f]).abs();
        }
    }
    sums.into_iter().fold(rest, |total, sum| total + sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<F: Float>(scale: f64, offset: f64) {
        for (n, d, k) in [(1, 1, 1), (7, 2, 3), (33, 5, 9), (70, 3, 4), (50, 19, 13), (64, 40, 30)] {
            let value = |i: usize| offset + scale * (((i * 7919) % 31) as f64 - 15.0);
            let rows: Vec<F> = (0..n * d).map(|i| F::from_f64(value(i))).collect();
            let centers: Vec<f64> = (0..k * d).map(|i| value(3 * i + 5) + scale / 3.0 * (i % 2) as f64).collect();
            for level in Level::available() {
                let codebook = Codebook::<F>::new(centers.clone(), d, level);
                let mut lowest = vec![Lowest::UNKNOWN; n];
                level.run(Scan { rows: &rows, codebook: &codebook, lowest: &mut lowest, lanes: &mut Lanes::default() });
                let mut distances = vec![0.0; k];
                for (row, lowest) in rows.chunks_exact(d).zip(&lowest) {
                    let row: Vec<f64> = row.iter().map(|x| x.to_f64()).collect();
                    codebook.distances(&row, &mut distances);
                    let want = Lowest::of(&distances, d);
                    assert!(!lowest.decided || lowest.label == want.label);
                    assert!(lowest.upper >= distances[want.label as usize] && lowest.least <= lowest.upper);
                    let near = |j: &u32| distances[*j as usize];
                    assert!((0..k as u32).filter(|j| *j != lowest.label).all(|j| near(&j) >= lowest.lower));
                }
            }
        }
    }

    #[test]
    fn what_the_kernel_decides_is_the_definitions_label_and_its_bounds_hold() {
        for (scale, offset) in [(1.0, 0.0), (1e-3, 1e6), (1e30, 0.0), (1e-42, 0.0), (0.1, -3.0)] {
            check::<f32>(scale, offset);
            check::<f64>(scale, offset);
        }
    }
}
