//! Scores of blocks of rows against all centres, of which each row's two lowest are kept: the loops that the filters share.
//!
//! A block of rows is transposed to have samples in vector lanes; centres are packed in tiles and broadcast.

use super::simd::Simd;
use crate::float::Float;

/// Bytes of transposed samples that are worked on together; with the centres' panel they fit a second-level cache of 512 KiB.
const SAMPLES_BYTES: usize = 192 << 10;
/// Bytes of centres that pass over those samples before the next panel; see benches/cluster/bench_assign.py.
const PANEL_BYTES: usize = 128 << 10;

/// Blocks of `width` samples of `d` features that are worked on together.
pub(super) fn blocks_together<T>(width: usize, d: usize) -> usize {
    (SAMPLES_BYTES / (width * d * size_of::<T>())).max(1)
}

/// How the columns of samples and centres become scores.
pub(super) trait Arithmetic<T: Float> {
    /// Columns a loop step takes.
    const UNROLL: usize;
    /// `sum` and the products of a column.
    fn multiply_add<S: Simd<T>>(simd: S, sample: S::V, center: S::V, sum: S::V) -> S::V;
    /// Of two sums.
    fn add<S: Simd<T>>(simd: S, a: S::V, b: S::V) -> S::V;
    /// The lowest two of an even number of scores. Taking centres in pairs costs as much as one by one, but they need not
    /// wait for each other.
    #[inline(always)]
    fn lowest_two<S: Simd<T>, const CENTERS: usize>(simd: S, scores: [S::V; CENTERS], names: &[T]) -> BestTwo<S::V> {
        let mut nearest = pair(simd, [scores[0], scores[1]], &names[..2]);
        for c in (2..CENTERS).step_by(2) {
            nearest = merge(simd, nearest, pair(simd, [scores[c], scores[c + 1]], &names[c..]));
        }
        nearest
    }
}

/// A column is a feature.
pub(super) struct Floating;

impl<T: Float> Arithmetic<T> for Floating {
    // The loop's end is mispredicted less often.
    const UNROLL: usize = 4;
    #[inline(always)]
    fn multiply_add<S: Simd<T>>(simd: S, sample: S::V, center: S::V, sum: S::V) -> S::V {
        simd.fma(sample, center, sum)
    }
    #[inline(always)]
    fn add<S: Simd<T>>(simd: S, a: S::V, b: S::V) -> S::V {
        simd.add(a, b)
    }
}

/// Centres in tiles of as many as the level's accumulator tile has.
pub(super) struct Tiles<T> {
    /// [tile][column][centre]
    values: Vec<T>,
    /// j, as [`Float::from_index`] has it.
    names: Vec<T>,
    columns: usize,
    together: usize,
}

/// Consecutive centres.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a, T> {
    /// [tile][column][centre]
    pub values: &'a [T],
    pub names: &'a [T],
    pub starts: &'a [T],
}

impl<T: Float> Tiles<T> {
    /// Room for `k` centres of `columns`; those that fill the last tile up are zero.
    pub fn new(k: usize, columns: usize, together: usize) -> Tiles<T> {
        let padded = k.next_multiple_of(together);
        let names = (0..padded as u32).map(T::from_index).collect();
        Tiles { values: vec![T::default(); padded * columns], names, columns, together }
    }

    /// Centres with those that fill the last tile up.
    pub fn padded(&self) -> usize {
        self.names.len()
    }

    /// Centres in a tile.
    pub fn together(&self) -> usize {
        self.together
    }

    /// Where the columns of centre j go.
    pub fn center_mut(&mut self, j: usize) -> impl Iterator<Item = &mut T> {
        let tile = &mut self.values[j / self.together * self.together * self.columns..];
        tile[..self.together * self.columns].iter_mut().skip(j % self.together).step_by(self.together)
    }

    /// The centres with their `starts`, so many `bytes` of them at a time.
    #[inline(always)]
    pub fn panels<'a>(&'a self, starts: &'a [T], bytes: usize) -> impl Iterator<Item = Panel<'a, T>> {
        let tiles = (bytes / (self.together * self.columns * size_of::<T>())).max(1);
        let length = tiles * self.together;
        let parts = self.values.chunks(length * self.columns).zip(self.names.chunks(length));
        parts.zip(starts.chunks(length)).map(|((values, names), starts)| Panel { values, names, starts })
    }
}

/// Transposed rows: [block][feature][lane].
#[derive(Default)]
pub(super) struct Samples<T> {
    pub values: Vec<T>,
    /// Y = ||y||^2 of each.
    pub norms: Vec<T>,
    padded: Vec<T>,
}

impl<T: Float> Samples<T> {
    /// Transposes and shifts `rows`, and computes Y.
    #[inline(always)]
    pub fn load<S: Simd<T>, const VECTORS: usize>(&mut self, simd: S, rows: &[T], shift: &[T]) {
        let d = shift.len();
        let width = VECTORS * S::LANES;
        let n = (rows.len() / d).next_multiple_of(width);
        self.values.resize(n * d, T::default());
        self.norms.resize(n, T::default());
        for (b, block) in rows.chunks(width * d).enumerate() {
            self.load_block::<S, VECTORS>(simd, b, block, shift);
        }
    }

    /// Block `b`, which has at most a full block of rows.
    #[inline(always)]
    fn load_block<S: Simd<T>, const VECTORS: usize>(&mut self, simd: S, b: usize, block: &[T], shift: &[T]) {
        let d = shift.len();
        let width = VECTORS * S::LANES;
        let block = if block.len() == width * d { block } else { pad(block, d, &mut self.padded, width * d) };
        let to = &mut self.values[b * width * d..][..width * d];
        let norms = &mut self.norms[b * width..][..width];
        if d < S::LANES {
            for (r, row) in block.chunks_exact(d).enumerate() {
                row.iter().enumerate().for_each(|(f, &x)| to[f * width + r] = x);
            }
            let mut sums = [simd.splat(T::default()); VECTORS];
            for (values, &m) in to.chunks_exact_mut(width).zip(shift) {
                let m = simd.splat(m);
                for (values, sum) in values.chunks_exact_mut(S::LANES).zip(&mut sums) {
                    let y = simd.sub(simd.load(values), m);
                    simd.store(y, values);
                    *sum = simd.fma(y, y, *sum);
                }
            }
            for (sum, norm) in sums.iter().zip(norms.chunks_exact_mut(S::LANES)) {
                simd.store(*sum, norm);
            }
            return;
        }
        let whole = d - d % S::LANES;
        let mut sums = [simd.splat(T::default()); VECTORS];
        // All vectors of a feature before the next feature, so that a line of the cache is written once.
        for f in (0..whole).step_by(S::LANES) {
            for v in 0..VECTORS {
                let (rows, to) = (&block[v * S::LANES * d + f..], &mut to[f * width + v * S::LANES..]);
                sums[v] = simd.add(sums[v], simd.transpose(rows, d, &shift[f..], to, width));
            }
        }
        if whole < d {
            // The last tile overlaps the one before, whose squares are in the sum already.
            let f = d - S::LANES;
            for v in 0..VECTORS {
                let (rows, to) = (&block[v * S::LANES * d + f..], &mut to[f * width + v * S::LANES..]);
                simd.transpose(rows, d, &shift[f..], to, width);
            }
            for values in to[whole * width..].chunks_exact(width) {
                for v in 0..VECTORS {
                    let y = simd.load(&values[v * S::LANES..]);
                    sums[v] = simd.fma(y, y, sums[v]);
                }
            }
        }
        for (sum, norm) in sums.iter().zip(norms.chunks_exact_mut(S::LANES)) {
            simd.store(*sum, norm);
        }
    }
}

/// The lowest two scores of each sample.
#[derive(Default)]
pub(super) struct Scores<T> {
    best: Vec<T>,
    index: Vec<T>,
    second: Vec<T>,
    partial: Vec<T>,
}

impl<T: Float> Scores<T> {
    /// Of transposed `samples` against all centres, whose scores begin at `starts`. At most `chain` columns go into one
    /// running sum; more are sums of such sums. Memory that scoring does not need meanwhile fetches `ahead`, the next rows.
    #[inline(always)]
    pub fn score<A: Arithmetic<T>, S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(
        &mut self,
        simd: S,
        samples: &[T],
        tiles: &Tiles<T>,
        starts: &[T],
        chain: usize,
        ahead: &[T],
    ) {
        let width = VECTORS * S::LANES;
        let block = width * tiles.columns;
        let mut ahead = ahead.chunks(ahead.len().div_ceil(samples.len() / block).max(1));
        self.index.resize(samples.len() / tiles.columns, T::default());
        for scores in [&mut self.best, &mut self.second] {
            scores.clear();
            scores.resize(samples.len() / tiles.columns, T::INFINITY);
        }
        // Centres in panels, so that a panel stays in the cache for all blocks of samples.
        for panel in tiles.panels(starts, PANEL_BYTES) {
            for (b, samples) in samples.chunks_exact(block).enumerate() {
                simd.prefetch(ahead.next().unwrap_or_default());
                self.score_block::<A, S, VECTORS, CENTERS>(simd, b * width, samples, tiles.columns, chain, panel);
            }
        }
    }

    /// Scores the block from `lane` on against the centres of a panel. The chains of long rows are taken one after the
    /// other over the whole panel; their sums wait in `partial`.
    #[inline(always)]
    fn score_block<A: Arithmetic<T>, S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(
        &mut self,
        simd: S,
        lane: usize,
        samples: &[T],
        d: usize,
        chain: usize,
        panel: Panel<'_, T>,
    ) {
        let width = VECTORS * S::LANES;
        let mut nearest = self.nearest::<S, VECTORS>(simd, lane);
        if chain < d {
            self.partial.resize(panel.starts.len() * width, T::default());
        }
        for from in (0..d).step_by(chain) {
            let columns = from..(from + chain).min(d);
            let samples = &samples[from * width..columns.end * width];
            let tiles = panel.values.chunks_exact(CENTERS * d).zip(panel.starts.chunks_exact(CENTERS));
            for (t, (tile, starts)) in tiles.enumerate() {
                let mut scores = [[simd.splat(T::default()); VECTORS]; CENTERS];
                if from == 0 {
                    for c in 0..CENTERS {
                        scores[c] = [simd.splat(starts[c]); VECTORS];
                    }
                }
                let tile = &tile[from * CENTERS..columns.end * CENTERS];
                let values = samples.chunks_exact(A::UNROLL * width);
                let centers = tile.chunks_exact(A::UNROLL * CENTERS);
                let rest = values.remainder().chunks_exact(width).zip(centers.remainder().chunks_exact(CENTERS));
                for (values, centers) in values.zip(centers) {
                    for f in 0..A::UNROLL {
                        let (values, centers) = (&values[f * width..][..width], &centers[f * CENTERS..][..CENTERS]);
                        multiply::<T, A, S, VECTORS, CENTERS>(simd, values, centers, &mut scores);
                    }
                }
                for (values, centers) in rest {
                    multiply::<T, A, S, VECTORS, CENTERS>(simd, values, centers, &mut scores);
                }
                if chain < d {
                    let partial = &mut self.partial[t * CENTERS * width..][..CENTERS * width];
                    for c in 0..CENTERS {
                        for v in 0..VECTORS {
                            let partial = &mut partial[c * width + v * S::LANES..];
                            if from > 0 {
                                scores[c][v] = A::add(simd, simd.load(partial), scores[c][v]);
                            }
                            simd.store(scores[c][v], partial);
                        }
                    }
                    if columns.end < d {
                        continue;
                    }
                }
                let names = &panel.names[t * CENTERS..][..CENTERS];
                for v in 0..VECTORS {
                    let mut scores_of = [simd.splat(T::default()); CENTERS];
                    for c in 0..CENTERS {
                        scores_of[c] = scores[c][v];
                    }
                    nearest[v] = merge(simd, nearest[v], A::lowest_two(simd, scores_of, names));
                }
            }
        }
        for (v, BestTwo { best, index, second }) in nearest.into_iter().enumerate() {
            let lane = lane + v * S::LANES;
            simd.store(best, &mut self.best[lane..]);
            simd.store(index, &mut self.index[lane..]);
            simd.store(second, &mut self.second[lane..]);
        }
    }

    /// The best two so far of the block from `lane` on.
    #[inline(always)]
    pub fn nearest<S: Simd<T>, const VECTORS: usize>(&self, simd: S, lane: usize) -> [BestTwo<S::V>; VECTORS] {
        let mut nearest = [BestTwo::none(simd); VECTORS];
        for (v, nearest) in nearest.iter_mut().enumerate() {
            let lane = lane + v * S::LANES;
            *nearest = BestTwo {
                best: simd.load(&self.best[lane..]),
                index: simd.load(&self.index[lane..]),
                second: simd.load(&self.second[lane..]),
            };
        }
        nearest
    }
}

/// The lowest score of each lane, whose it is, and the second lowest.
#[derive(Clone, Copy)]
pub(super) struct BestTwo<V> {
    pub best: V,
    pub index: V,
    pub second: V,
}

impl<V: Copy> BestTwo<V> {
    #[inline(always)]
    pub fn none<T: Float, S: Simd<T, V = V>>(simd: S) -> Self {
        let far = simd.splat(T::INFINITY);
        BestTwo { best: far, index: simd.splat(T::default()), second: far }
    }

    /// With the score of the centre `named` this.
    #[inline(always)]
    pub fn with<T: Float, S: Simd<T, V = V>>(self, simd: S, score: V, named: V) -> Self {
        BestTwo {
            best: simd.min(score, self.best),
            index: simd.select(simd.lt(score, self.best), named, self.index),
            second: simd.min(simd.max(self.best, score), self.second),
        }
    }
}

/// Of two centres' scores.
#[inline(always)]
fn pair<T: Float, S: Simd<T>>(simd: S, [a, b]: [S::V; 2], names: &[T]) -> BestTwo<S::V> {
    BestTwo {
        best: simd.min(a, b),
        index: simd.select(simd.lt(b, a), simd.splat(names[1]), simd.splat(names[0])),
        second: simd.max(a, b),
    }
}

/// Of both.
#[inline(always)]
fn merge<T: Float, S: Simd<T>>(simd: S, a: BestTwo<S::V>, b: BestTwo<S::V>) -> BestTwo<S::V> {
    BestTwo {
        best: simd.min(b.best, a.best),
        index: simd.select(simd.lt(b.best, a.best), b.index, a.index),
        second: simd.min(simd.max(a.best, b.best), simd.min(b.second, a.second)),
    }
}

/// Adds the products of one column: all samples of a block with all centres of a tile.
#[inline(always)]
fn multiply<T: Float, A: Arithmetic<T>, S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(
    simd: S,
    values: &[T],
    centers: &[T],
    scores: &mut [[S::V; VECTORS]; CENTERS],
) {
    let y: [S::V; VECTORS] = simd.load_all(values);
    for c in 0..CENTERS {
        let center = simd.splat(centers[c]);
        for v in 0..VECTORS {
            scores[c][v] = A::multiply_add(simd, y[v], center, scores[c][v]);
        }
    }
}

/// The rows of `block` and the last of them again until there are `length` values.
#[inline(always)]
pub(super) fn pad<'a, T: Float>(block: &[T], d: usize, padded: &'a mut Vec<T>, length: usize) -> &'a [T] {
    padded.clear();
    padded.extend_from_slice(block);
    while padded.len() < length {
        padded.extend_from_slice(&block[block.len() - d..]);
    }
    padded
}
