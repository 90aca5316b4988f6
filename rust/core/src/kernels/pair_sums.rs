//! Sums of the distances between dense rows, in f64 by direct differences.
//!
//! Some rows, the queries, meet all others in tiles of [`TILE`] rows, one in a lane. A distance is that of `direct.rs`
//! (features in order, each operation rounded), and each lane keeps a sum of its own, so the bits are the same on every
//! instruction set: only how many vectors make a tile differs.

use super::simd::{Simd, Task};

/// Rows in a tile: two vectors of f64 with AVX-512, four with AVX2.
pub const TILE: usize = 16;

/// What a distance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The root of the sum of squared differences.
    Euclidean,
    /// The sum of absolute differences.
    Manhattan,
}

/// Up to [`TILE`] rows, transposed: [feature][lane].
pub struct Tile<'a> {
    /// (d, TILE)
    pub values: &'a [f64],
    /// 1 in the lanes that hold a row, 0 in the others.
    pub present: &'a [f64; TILE],
}

/// Adds the distances of all queries to a tile's rows to the sums of both.
pub struct AddDistances<'a> {
    /// (m, d)
    pub queries: &'a [f64],
    /// The other rows.
    pub tile: Tile<'a>,
    /// What a distance is.
    pub metric: Metric,
    /// Of the queries, by lane: (m, TILE)
    pub sums: &'a mut [f64],
    /// Of the tile's rows, in the order of the queries; what lanes without a row get means nothing.
    pub columns: &'a mut [f64; TILE],
}

impl Task<f64> for AddDistances<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        match self.metric {
            Metric::Euclidean => self.by_lanes::<S, Squares>(simd),
            Metric::Manhattan => self.by_lanes::<S, Absolutes>(simd),
        }
    }
}

/// How differences add up to a distance.
trait Terms {
    fn add<S: Simd<f64>>(simd: S, sum: S::V, difference: S::V) -> S::V;
    fn distance<S: Simd<f64>>(simd: S, sum: S::V) -> S::V;
}

struct Squares;

impl Terms for Squares {
    #[inline(always)]
    fn add<S: Simd<f64>>(simd: S, sum: S::V, difference: S::V) -> S::V {
        simd.add(sum, simd.mul(difference, difference))
    }
    #[inline(always)]
    fn distance<S: Simd<f64>>(simd: S, sum: S::V) -> S::V {
        simd.sqrt(sum)
    }
}

struct Absolutes;

impl Terms for Absolutes {
    #[inline(always)]
    fn add<S: Simd<f64>>(simd: S, sum: S::V, difference: S::V) -> S::V {
        simd.add(sum, simd.max(difference, simd.sub(simd.splat(0.0), difference)))
    }
    #[inline(always)]
    fn distance<S: Simd<f64>>(_: S, sum: S::V) -> S::V {
        sum
    }
}

impl AddDistances<'_> {
    /// Eight accumulators hide the latency of an addition on every instruction set.
    #[inline(always)]
    fn by_lanes<S: Simd<f64>, T: Terms>(self, simd: S) {
        match S::LANES {
            8 => self.go::<S, T, 2, 4>(simd),
            4 => self.go::<S, T, 4, 2>(simd),
            _ => self.go::<S, T, 8, 1>(simd),
        }
    }

    /// `WIDTH` vectors make a tile; `ROWS` queries share the loading of one.
    #[inline(always)]
    fn go<S: Simd<f64>, T: Terms, const WIDTH: usize, const ROWS: usize>(self, simd: S) {
        let d = self.tile.values.len() / TILE;
        let present: [S::V; WIDTH] = simd.load_all(self.tile.present);
        let mut columns: [S::V; WIDTH] = simd.load_all(self.columns);
        let m = self.sums.len() / TILE;
        for (from, sums) in (0..m).step_by(ROWS).zip(self.sums.chunks_mut(ROWS * TILE)) {
            // Queries beyond the last are the last again, and find no sums.
            let mut queries: [&[f64]; ROWS] = [&[]; ROWS];
            for (r, query) in queries.iter_mut().enumerate() {
                *query = &self.queries[(from + r).min(m - 1) * d..][..d];
            }
            let mut distances = [[simd.splat(0.0); WIDTH]; ROWS];
            for (f, others) in self.tile.values.chunks_exact(TILE).enumerate() {
                let others: [S::V; WIDTH] = simd.load_all(others);
                for r in 0..ROWS {
                    let x = simd.splat(queries[r][f]);
                    for v in 0..WIDTH {
                        distances[r][v] = T::add(simd, distances[r][v], simd.sub(x, others[v]));
                    }
                }
            }
            for (sums, distances) in sums.chunks_exact_mut(TILE).zip(distances) {
                for (v, sum) in sums.chunks_exact_mut(S::LANES).enumerate() {
                    let distance = T::distance(simd, distances[v]);
                    columns[v] = simd.add(columns[v], distance);
                    simd.store(simd.add(simd.load(sum), simd.mul(distance, present[v])), sum);
                }
            }
        }
        for (column, to) in columns.into_iter().zip(self.columns.chunks_exact_mut(S::LANES)) {
            simd.store(column, to);
        }
    }
}

/// The sum of all lanes, halves first, in the same order everywhere.
pub fn total(mut lanes: [f64; TILE]) -> f64 {
    let mut half = TILE / 2;
    while half > 0 {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::Level;

    #[test]
    fn every_level_adds_up_the_same_bits() {
        for d in [1, 2, 5, 16, 33] {
            for m in [1, 2, 3, 4, 7] {
                let value = |i: usize| (i as f64 * 0.37).sin() * 10_f64.powi(i as i32 % 5);
                let queries: Vec<f64> = (0..m * d).map(value).collect();
                let values: Vec<f64> = (0..TILE * d).map(|i| value(i + 1000)).collect();
                let present: [f64; TILE] = std::array::from_fn(|l| if l < 13 { 1.0 } else { 0.0 });
                for metric in [Metric::Euclidean, Metric::Manhattan] {
                    let mut want = vec![0.25; m * TILE];
                    let mut want_columns = [0.5; TILE];
                    for (place, want) in want.iter_mut().enumerate() {
                        let (q, l) = (place / TILE, place % TILE);
                        let differences = (0..d).map(|f| queries[q * d + f] - values[f * TILE + l]);
                        let distance = match metric {
                            Metric::Euclidean => differences.fold(0.0, |sum, x| sum + x * x).sqrt(),
                            Metric::Manhattan => differences.fold(0.0, |sum, x| sum + x.abs()),
                        };
                        *want += distance * present[l];
                        want_columns[l] += distance;
                    }
                    for level in Level::available() {
                        let (mut sums, mut columns) = (vec![0.25; m * TILE], [0.5; TILE]);
                        let tile = Tile { values: &values, present: &present };
                        let (queries, columns) = (&queries[..], &mut columns);
                        level.run(AddDistances { queries, tile, metric, sums: &mut sums, columns });
                        assert_eq!(sums, want, "{} d {d} m {m} {metric:?}", level.name());
                        assert_eq!(*columns, want_columns, "{} d {d} m {m} {metric:?}", level.name());
                    }
                }
            }
        }
    }

    #[test]
    fn lanes_add_up() {
        assert_eq!(total(std::array::from_fn(|l| l as f64)), 120.0);
    }
}
