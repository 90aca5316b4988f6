//! Direct differences in f64: the definition of a squared distance, for every use that needs its value.
//!
//! `D(x, c) = ((x_0 - c_0)^2 + (x_1 - c_1)^2) + ...`, features in order, each operation rounded to f64. Vector lanes hold
//! centres, or rows, so each lane does exactly that and the bits are the same on every instruction set.

use super::simd::{Level, Simd, Task};
use crate::float::Float;

/// Centres (k, d) in f64 with centres in lanes: [tile][feature][centre of the tile].
pub struct Panel {
    values: Vec<f64>,
    /// Centres in a tile.
    width: usize,
    k: usize,
    d: usize,
}

impl Panel {
    /// Packs `centers` (k, d) for `level`.
    pub fn new(centers: &[f64], d: usize, level: Level) -> Panel {
        struct Width;
        impl Task<f64> for Width {
            type Out = usize;
            #[inline(always)]
            fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> usize {
                VECTORS * S::LANES
            }
        }
        let width = level.run(Width);
        let k = centers.len() / d;
        let mut panel = Panel { values: vec![f64::INFINITY; k.next_multiple_of(width) * d], width, k, d };
        panel.put(centers, 0..k);
        panel
    }

    /// Puts some of the `centers` (k, d) in their places.
    pub fn put(&mut self, centers: &[f64], which: impl Iterator<Item = usize>) {
        let (width, d) = (self.width, self.d);
        for j in which {
            let tile = &mut self.values[j / width * width * d..][..width * d];
            for (slots, &c) in tile.chunks_exact_mut(width).zip(&centers[j * d..][..d]) {
                slots[j % width] = c;
            }
        }
    }
}

/// Rows computed together, so that a vector of centres is loaded once for all of them.
const ROWS: usize = 4;

/// D between `ROWS` rows and a tile of centres.
#[inline(always)]
fn tile<S: Simd<f64>, const VECTORS: usize>(simd: S, rows: [&[f64]; ROWS], tile: &[f64]) -> [[S::V; VECTORS]; ROWS] {
    let width = VECTORS * S::LANES;
    let mut sums = [[simd.splat(0.0); VECTORS]; ROWS];
    for (f, centers) in tile.chunks_exact(width).enumerate() {
        let c: [S::V; VECTORS] = simd.load_all(centers);
        for r in 0..ROWS {
            let x = simd.splat(rows[r][f]);
            for v in 0..VECTORS {
                let difference = simd.sub(x, c[v]);
                sums[r][v] = simd.add(sums[r][v], simd.mul(difference, difference));
            }
        }
    }
    sums
}

/// Calls `each(first row, first centre, sums)` for all tiles of `rows` (n, d) against the panel; rows beyond the last are
/// the last again.
#[inline(always)]
fn tiles<S: Simd<f64>, const VECTORS: usize>(
    simd: S,
    rows: &[f64],
    panel: &Panel,
    mut each: impl FnMut(usize, usize, [[S::V; VECTORS]; ROWS]),
) {
    let (d, n) = (panel.d, rows.len() / panel.d);
    let width = VECTORS * S::LANES;
    for from in (0..n).step_by(ROWS) {
        let group: [&[f64]; ROWS] = std::array::from_fn(|r| &rows[(from + r).min(n - 1) * d..][..d]);
        for (t, centers) in panel.values.chunks_exact(width * d).enumerate() {
            each(from, t * width, tile::<S, VECTORS>(simd, group, centers));
        }
    }
}

/// How many rows take no longer here, by three instructions for a feature, than a filter's block of rows, by one.
pub struct Few;

impl Task<f64> for Few {
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> usize {
        VECTORS * S::LANES / 3
    }
}

/// The nearest centre of every row (n, d) and its D; infinite or NaN where no D is finite.
pub struct Nearest<'a> {
    /// (n, d)
    pub rows: &'a [f64],
    /// The centres.
    pub panel: &'a Panel,
}

impl Task<f64> for Nearest<'_> {
    type Out = Vec<(usize, f64)>;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) -> Self::Out {
        let n = self.rows.len() / self.panel.d;
        let mut nearest = vec![(0, f64::INFINITY); n];
        let mut distances = [0.0; 64];
        tiles::<S, VECTORS>(simd, self.rows, self.panel, |row, center, sums| {
            for (nearest, sums) in nearest[row..].iter_mut().zip(sums) {
                // Most tiles hold nothing nearer.
                let mut all_farther = true;
                for sum in sums {
                    all_farther &= simd.all(simd.lt(simd.splat(nearest.1), sum));
                }
                if all_farther {
                    continue;
                }
                for (v, sum) in sums.into_iter().enumerate() {
                    simd.store(sum, &mut distances[v * S::LANES..]);
                }
                for (c, &distance) in distances[..VECTORS * S::LANES].iter().enumerate() {
                    if distance < nearest.1 {
                        *nearest = (center + c, distance);
                    }
                }
            }
        });
        nearest
    }
}

/// D of every row (n, d) to every centre, written to `out` (n, k).
pub struct Distances<'a> {
    /// (n, d)
    pub rows: &'a [f64],
    /// The centres.
    pub panel: &'a Panel,
    /// (n, k)
    pub out: &'a mut [f64],
}

impl Task<f64> for Distances<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let k = self.panel.k;
        let mut distances = [0.0; 64];
        tiles::<S, VECTORS>(simd, self.rows, self.panel, |row, center, sums| {
            let width = (VECTORS * S::LANES).min(k - center);
            for (out, sums) in self.out[row * k..].chunks_exact_mut(k).zip(sums) {
                for (v, sum) in sums.into_iter().enumerate() {
                    simd.store(sum, &mut distances[v * S::LANES..]);
                }
                out[center..center + width].copy_from_slice(&distances[..width]);
            }
        });
    }
}

/// Asks memory for some rows (n, d) that [`DistancesOf`] will want, and for what is known of them.
pub struct Ask<'a, F> {
    /// (n, d)
    pub rows: &'a [F],
    /// (n)
    pub known: &'a [f64],
    /// Which of them.
    pub which: &'a [u32],
}

impl<F: Float> Task<f64> for Ask<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let d = self.rows.len() / self.known.len();
        for &i in self.which {
            let i = i as usize;
            // And one value more: rows do not begin where cache lines do.
            simd.prefetch(&self.rows[i * d..self.rows.len().min((i + 1) * d + 1)]);
            simd.prefetch(&self.known[i..=i]);
        }
    }
}

/// D of some rows to one centre.
pub struct DistancesOf<'a, F> {
    /// (n, d)
    pub rows: &'a [F],
    /// Which of them.
    pub which: &'a [u32],
    /// (d)
    pub center: &'a [f64],
    /// As long as `which`.
    pub out: &'a mut [f64],
}

impl<F: Float> Task<f64> for DistancesOf<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        /// The most values in a vector.
        const MOST: usize = 8;
        let DistancesOf { rows, which, center, out } = self;
        let d = center.len();
        let (mut values, mut differences) = ([0.0; MOST * MOST], [0.0; MOST * MOST]);
        for (group, out) in which.chunks(S::LANES).zip(out.chunks_mut(S::LANES)) {
            let mut sums = simd.splat(0.0);
            for f in (0..d).step_by(S::LANES) {
                let features = S::LANES.min(d - f);
                // Beyond the last feature, zeros add nothing.
                let mut c = [0.0; MOST];
                c[..features].copy_from_slice(&center[f..f + features]);
                for (values, &i) in values.chunks_exact_mut(S::LANES).zip(group) {
                    let row = &rows[i as usize * d + f..][..features];
                    if features == S::LANES {
                        values.iter_mut().zip(row).for_each(|(value, x)| *value = x.to_f64());
                    } else {
                        values.fill(0.0);
                        values.iter_mut().zip(row).for_each(|(value, x)| *value = x.to_f64());
                    }
                }
                simd.transpose(&values, S::LANES, &c, &mut differences, S::LANES);
                for differences in differences.chunks_exact(S::LANES).take(S::LANES) {
                    let difference = simd.load(differences);
                    sums = simd.add(sums, simd.mul(difference, difference));
                }
            }
            let mut distances = [0.0; MOST];
            simd.store(sums, &mut distances);
            out.copy_from_slice(&distances[..out.len()]);
        }
    }
}

/// D(x, c).
#[inline(always)]
pub fn distance(x: &[impl Float], c: &[impl Float]) -> f64 {
    x.iter().zip(c).fold(0.0, |sum, (x, c)| {
        let difference = x.to_f64() - c.to_f64();
        sum + difference * difference
    })
}

/// The sum of `term` over what the `values`, all equally many, hold in the same places; in chains that do not wait for each other.
#[inline(always)]
pub fn add_up<const N: usize>(values: [&[f64]; N], term: impl Fn([f64; N]) -> f64) -> f64 {
    const CHAINS: usize = 8;
    let mut sums = [0.0; CHAINS];
    let (chunks, rests) = (values.map(|v| v.as_chunks::<CHAINS>().0), values.map(|v| v.as_chunks::<CHAINS>().1));
    for c in 0..chunks.first().map_or(0, |first| first.len()) {
        let chunk = chunks.map(|chunks| &chunks[c]);
        for f in 0..CHAINS {
            sums[f] += term(chunk.map(|values| values[f]));
        }
    }
    for f in 0..rests.first().map_or(0, |first| first.len()) {
        sums[f] += term(rests.map(|values| values[f]));
    }
    sums.into_iter().sum()
}

/// Nearly D(x, c): in arithmetic of `A`, which must hold the values, and added up in `CHAINS` that do not wait for each other.
///
/// It errs by at most `d / CHAINS + CHAINS + 4` roundings, relatively: all terms are positive, so however small their sum
/// is, no term is larger. Squares that underflow may add an error, below `d` times the smallest normal number.
#[inline(always)]
pub fn squared_distance<A: Float, const CHAINS: usize>(x: &[impl Float], c: &[impl Float]) -> A {
    let mut sums = [A::default(); CHAINS];
    let (xs, cs) = (x.chunks_exact(CHAINS), c.chunks_exact(CHAINS));
    let rest = xs.remainder().iter().zip(cs.remainder()).fold(A::default(), |sum, (x, c)| {
        let difference = A::from_f64(x.to_f64()) - A::from_f64(c.to_f64());
        sum + difference * difference
    });
    for (x, c) in xs.zip(cs) {
        for f in 0..CHAINS {
            let difference = A::from_f64(x[f].to_f64()) - A::from_f64(c[f].to_f64());
            sums[f] = sums[f] + difference * difference;
        }
    }
    sums.into_iter().fold(rest, |total, sum| total + sum)
}
