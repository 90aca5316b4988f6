//! Scores of rows against centres, with a bound on their rounding: what decides most labels.
//!
//! ||x - c_j||^2 is ||x||^2 + (||c_j||^2 - 2 x.c_j), and ||x||^2 is the same for every centre, so the argmin
//! never needs it. Rows and centres are shifted by a common point m near the data (y = x - m, t = c - m) so that less
//! cancels. A block of rows is transposed to have samples in vector lanes, and centres, scaled by -2, are broadcast, giving
//! scores s_j of about T_j = ||t_j||^2 - 2 y.t_j. With unit roundoff u (u64 for f64), d features, n_j = ||t_j||^2 and
//! Y = ||y||^2, a score in which every product passes at most h additions ([`chain`]) errs by at most
//! (h + 1) u (n_j + 2 sum |y_f t_f|), rounding y and t adds 4 u on the products and rounding n_j adds
//! (d + 3) u64 n_j + u n_j; and 2 |y| |t| <= Y + n_j. So
//!
//! `|s_j - T_j| <= A Y + B n_j + tau`, `A = (h + 6) u`, `B = (2 h + 9) u + (d + 3) u64`, tau for underflow.
//!
//! The accumulators start at (1 - B) n_j instead of n_j: the scores are then lower bounds up to a term of the row. Let j be
//! the lowest score. The filter decides the row when the second lowest is above it by more than
//! `2 A Y + 2 B n_j + 2 tau`, plus the definition's own rounding, `(d + 3) u64` relative to distances of at most
//! `2 Y + 2 n_j`. All other rows go on: from the f32 filter to the f64 filter to the definition itself.
//! NaN, infinity and overflow fail every comparison, so they arrive there too, and are named there.

use super::bounds::Learned;
use super::simd::{Level, Simd, Task};
use crate::float::Float;

/// Bytes of transposed samples that are worked on together; with the centres' panel they fit a second-level cache of 512 KiB.
const SAMPLES_BYTES: usize = 192 << 10;
/// Bytes of centres that pass over those samples before the next panel; see benches/cluster/bench_assign.py.
const PANEL_BYTES: usize = 128 << 10;
/// Features a loop step takes: its end is mispredicted less often.
const UNROLL: usize = 4;
/// Up to this many features a score costs less than its bookkeeping, which then stays in registers.
const NARROW: usize = 4;
/// Samples in the widest block: 4 vectors of 16.
const MOST_LANES: usize = 64;

/// Features that go into one running sum; longer rows are sums of such sums, whose rounding bound is lower, and whose block
/// of samples stays in the nearest cache while a panel passes.
fn chain(d: usize) -> usize {
    const CHAIN: usize = 128;
    d.div_ceil(d.div_ceil(CHAIN))
}

/// Centres packed for scoring in `T`.
pub(super) struct Filter<T> {
    /// For rows of up to [`NARROW`] features: -2 t, (1 - B) n_j and j, centre after centre.
    narrow: Vec<T>,
    /// -2 t in tiles of as many centres as the level's accumulator tile has: [tile][feature][centre].
    tiles: Vec<T>,
    /// (1 - B) n_j, where the accumulators start; infinite for the centres that fill the last tile.
    starts: Vec<T>,
    /// j, as [`Float::from_index`] has it.
    names: Vec<T>,
    norms: Vec<T>,
    largest_norm: T,
    shift: Vec<T>,
    /// The bound's terms: row * Y + norm * n_j + floor.
    row: T,
    norm: T,
    floor: T,
}

impl<T: Float> Filter<T> {
    /// None where scores could overflow or the bound says nothing.
    pub(super) fn new(centers: &[f64], shift: &[f64], level: Level) -> Option<Filter<T>> {
        struct Pack<'a> {
            centers: &'a [f64],
            shift: &'a [f64],
        }
        impl<T: Float> Task<T> for Pack<'_> {
            type Out = Option<Filter<T>>;
            #[inline(always)]
            fn run<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Option<Filter<T>> {
                pack::<T, CENTERS>(self.centers, self.shift)
            }
        }
        level.run::<T, _>(Pack { centers, shift })
    }
}

#[inline(always)]
fn pack<T: Float, const CENTERS: usize>(centers: &[f64], shift: &[f64]) -> Option<Filter<T>> {
    let d = shift.len();
    let k = centers.len() / d;
    let (u, u64) = (T::UNIT_ROUNDOFF, f64::UNIT_ROUNDOFF);
    let features = d as f64;
    // Roundings on the way of a product into its score.
    let steps = (chain(d) + d.div_ceil(chain(d))) as f64;
    if features * u > 1e-3 {
        return None;
    }
    // Covers the roundings of Y, the norms, the gap and the bound themselves.
    let slack = 1.0 + 8.0 * (features + 16.0) * u;
    let definition = 4.04 * (features + 3.0) * u64;
    let a = (steps + 6.0) * u;
    let b = (2.0 * steps + 9.0) * u + (features + 3.0) * u64;

    let padded = k.next_multiple_of(CENTERS);
    let mut tiles = vec![T::default(); padded * d];
    let mut starts = vec![T::INFINITY; padded];
    let mut norms = vec![T::INFINITY; padded];
    let mut largest = 0.0_f64;
    for (j, center) in centers.chunks_exact(d).enumerate() {
        let tile = &mut tiles[j / CENTERS * CENTERS * d..][..CENTERS * d];
        let mut norm = 0.0;
        for ((slots, &c), &m) in tile.chunks_exact_mut(CENTERS).zip(center).zip(shift) {
            let t = c - m;
            norm += t * t;
            slots[j % CENTERS] = T::from_f64(-2.0 * t);
        }
        starts[j] = T::from_f64(norm * (1.0 - b));
        norms[j] = T::from_f64(norm);
        // Not `max`, which would hide a NaN.
        largest = if norm <= largest { largest } else { norm };
    }
    let mut narrow = Vec::new();
    if d <= NARROW {
        for (j, start) in starts[..k].iter().enumerate() {
            let tile = &tiles[j / CENTERS * CENTERS * d..][..CENTERS * d];
            narrow.extend(tile.iter().skip(j % CENTERS).step_by(CENTERS));
            narrow.extend([*start, T::from_index(j as u32)]);
        }
    }
    (largest < T::NORM_LIMIT).then(|| Filter {
        narrow,
        names: (0..padded as u32).map(T::from_index).collect(),
        tiles,
        starts,
        norms,
        largest_norm: T::from_f64(largest),
        shift: shift.iter().map(|&m| T::from_f64(m)).collect(),
        row: T::from_f64((2.0 * a + definition) * slack),
        norm: T::from_f64((2.0 * b + definition) * slack),
        floor: T::from_f64(2.0 * (features + 8.0) * T::MIN_NORMAL),
    })
}

/// Consecutive centres of a filter.
#[derive(Clone, Copy)]
struct Panel<'a, T> {
    tiles: &'a [T],
    starts: &'a [T],
    names: &'a [T],
}

impl<T: Float> Filter<T> {
    /// The centres, `length` at a time.
    #[inline(always)]
    fn panels(&self, length: usize) -> impl Iterator<Item = Panel<'_, T>> {
        let tiles = self.tiles.chunks(length * self.shift.len());
        let rest = self.starts.chunks(length).zip(self.names.chunks(length));
        tiles.zip(rest).map(|(tiles, (starts, names))| Panel { tiles, starts, names })
    }
}

/// What scoring keeps for each sample, in vectors.
#[derive(Default)]
pub(super) struct Lanes<T> {
    samples: Vec<T>,
    norms: Vec<T>,
    best: Vec<T>,
    index: Vec<T>,
    second: Vec<T>,
    padded: Vec<T>,
    partial: Vec<T>,
}

/// Labels what the filter can decide and lists the rest.
pub(super) struct Scan<'a, T> {
    /// (labels.len(), d)
    pub samples: &'a [T],
    pub filter: &'a Filter<T>,
    pub lanes: &'a mut Lanes<T>,
    pub labels: &'a mut [i32],
    /// Positions in `samples`, in order.
    pub undecided: &'a mut Vec<u32>,
    /// Where what was learned of the rows' distances goes, if anybody wants it.
    pub learned: Option<&'a mut [Learned]>,
}

impl<T: Float> Task<T> for Scan<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let d = self.filter.shift.len();
        let width = VECTORS * S::LANES;
        let blocks = (SAMPLES_BYTES / (width * d * size_of::<T>())).max(1);
        let tiles = (PANEL_BYTES / (CENTERS * d * size_of::<T>())).max(1);

        match d {
            1 => return self.run_narrow::<S, VECTORS, 1>(simd),
            2 => return self.run_narrow::<S, VECTORS, 2>(simd),
            3 => return self.run_narrow::<S, VECTORS, 3>(simd),
            4 => return self.run_narrow::<S, VECTORS, 4>(simd),
            _ => {}
        }
        let Scan { samples, filter, lanes, labels, undecided, mut learned } = self;
        let mut from = 0;
        for (samples, labels) in samples.chunks(blocks * width * d).zip(labels.chunks_mut(blocks * width)) {
            let n_blocks = labels.len().div_ceil(width);
            lanes.reset(n_blocks * width, d);
            for (b, block) in samples.chunks(width * d).enumerate() {
                lanes.load_block::<S, VECTORS>(simd, b, block, filter);
            }
            // Centres in panels, so that a panel stays in the cache for all blocks of samples.
            lanes.partial.resize(tiles * CENTERS * width, T::default());
            for panel in filter.panels(tiles * CENTERS) {
                for b in 0..n_blocks {
                    lanes.score_block::<S, VECTORS, CENTERS>(simd, b, d, panel);
                }
            }
            for (b, labels) in labels.chunks_mut(width).enumerate() {
                let lane = b * width;
                let norms = simd.load_all(&lanes.norms[lane..]);
                let nearest = lanes.nearest::<S, VECTORS>(simd, lane);
                learn::<T, S, VECTORS>(simd, filter, norms, nearest, part(&mut learned, from + lane, labels.len()));
                decide::<T, S, VECTORS>(simd, filter, norms, nearest, labels, from + lane, undecided);
            }
            from += labels.len();
        }
    }
}

impl<T: Float> Scan<'_, T> {
    /// Rows shorter than the bookkeeping of a score: sample and best two stay in registers from centre to centre.
    #[inline(always)]
    fn run_narrow<S: Simd<T>, const VECTORS: usize, const D: usize>(self, simd: S) {
        let Scan { samples, filter, lanes, labels, undecided, mut learned } = self;
        let width = VECTORS * S::LANES;
        for (b, (block, labels)) in samples.chunks(width * D).zip(labels.chunks_mut(width)).enumerate() {
            let block = if block.len() == width * D { block } else { pad(block, &mut lanes.padded, width * D) };
            let mut y = [[simd.splat(T::default()); VECTORS]; D];
            let mut norms = [simd.splat(T::default()); VECTORS];
            for v in 0..VECTORS {
                let columns = simd.columns::<D>(&block[v * S::LANES * D..]);
                for f in 0..D {
                    y[f][v] = simd.sub(columns[f], simd.splat(filter.shift[f]));
                    norms[v] = simd.fma(y[f][v], y[f][v], norms[v]);
                }
            }
            let mut nearest = [BestTwo::none(simd); VECTORS];
            for center in filter.narrow.chunks_exact(D + 2) {
                let named = simd.splat(center[D + 1]);
                let mut scores = [simd.splat(center[D]); VECTORS];
                for f in 0..D {
                    let center = simd.splat(center[f]);
                    for v in 0..VECTORS {
                        scores[v] = simd.fma(y[f][v], center, scores[v]);
                    }
                }
                for v in 0..VECTORS {
                    let BestTwo { best, index, second } = nearest[v];
                    nearest[v] = BestTwo {
                        best: simd.min(scores[v], best),
                        index: simd.select(simd.lt(scores[v], best), named, index),
                        second: simd.min(simd.max(best, scores[v]), second),
                    };
                }
            }
            learn::<T, S, VECTORS>(simd, filter, norms, nearest, part(&mut learned, b * width, labels.len()));
            decide::<T, S, VECTORS>(simd, filter, norms, nearest, labels, b * width, undecided);
        }
    }
}

impl<T: Float> Lanes<T> {
    #[inline(always)]
    fn reset(&mut self, n: usize, d: usize) {
        self.samples.resize(n * d, T::default());
        for lanes in [&mut self.norms, &mut self.index] {
            lanes.resize(n, T::default());
        }
        for lanes in [&mut self.best, &mut self.second] {
            lanes.clear();
            lanes.resize(n, T::INFINITY);
        }
    }

    /// Transposes and shifts block `b` (at most a full block of rows), and computes Y.
    #[inline(always)]
    fn load_block<S: Simd<T>, const VECTORS: usize>(&mut self, simd: S, b: usize, block: &[T], filter: &Filter<T>) {
        let d = filter.shift.len();
        let width = VECTORS * S::LANES;
        let block = if block.len() == width * d { block } else { pad(block, &mut self.padded, width * d) };
        let to = &mut self.samples[b * width * d..][..width * d];
        let norms = &mut self.norms[b * width..][..width];
        if d < S::LANES {
            for (r, row) in block.chunks_exact(d).enumerate() {
                row.iter().enumerate().for_each(|(f, &x)| to[f * width + r] = x);
            }
            let mut sums = [simd.splat(T::default()); VECTORS];
            for (values, &m) in to.chunks_exact_mut(width).zip(&filter.shift) {
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
                sums[v] = simd.add(sums[v], simd.transpose(rows, d, &filter.shift[f..], to, width));
            }
        }
        if whole < d {
            // The last tile overlaps the one before, whose squares are in the sum already.
            let f = d - S::LANES;
            for v in 0..VECTORS {
                let (rows, to) = (&block[v * S::LANES * d + f..], &mut to[f * width + v * S::LANES..]);
                simd.transpose(rows, d, &filter.shift[f..], to, width);
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

    /// Scores block `b` against the centres of a panel. The chains of long rows are taken one after the other over the
    /// whole panel; their sums wait in `partial`.
    #[inline(always)]
    fn score_block<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(
        &mut self,
        simd: S,
        b: usize,
        d: usize,
        Panel { tiles: panel, starts, names }: Panel<'_, T>,
    ) {
        let width = VECTORS * S::LANES;
        let samples = &self.samples[b * width * d..][..width * d];
        let mut nearest = self.nearest::<S, VECTORS>(simd, b * width);
        let chain = chain(d);
        for from in (0..d).step_by(chain) {
            let features = from..(from + chain).min(d);
            let samples = &samples[from * width..features.end * width];
            let tiles = panel.chunks_exact(CENTERS * d).zip(starts.chunks_exact(CENTERS));
            for (t, (tile, starts)) in tiles.enumerate() {
                let mut scores = [[simd.splat(T::default()); VECTORS]; CENTERS];
                if from == 0 {
                    for c in 0..CENTERS {
                        scores[c] = [simd.splat(starts[c]); VECTORS];
                    }
                }
                let tile = &tile[from * CENTERS..features.end * CENTERS];
                let values = samples.chunks_exact(UNROLL * width);
                let centers = tile.chunks_exact(UNROLL * CENTERS);
                let rest = values.remainder().chunks_exact(width).zip(centers.remainder().chunks_exact(CENTERS));
                for (values, centers) in values.zip(centers) {
                    for f in 0..UNROLL {
                        multiply(simd, &values[f * width..][..width], &centers[f * CENTERS..][..CENTERS], &mut scores);
                    }
                }
                for (values, centers) in rest {
                    multiply(simd, values, centers, &mut scores);
                }
                if chain < d {
                    let partial = &mut self.partial[t * CENTERS * width..][..CENTERS * width];
                    for c in 0..CENTERS {
                        for v in 0..VECTORS {
                            let partial = &mut partial[c * width + v * S::LANES..];
                            if from > 0 {
                                scores[c][v] = simd.add(simd.load(partial), scores[c][v]);
                            }
                            simd.store(scores[c][v], partial);
                        }
                    }
                    if features.end < d {
                        continue;
                    }
                }
                let names = &names[t * CENTERS..][..CENTERS];
                for v in 0..VECTORS {
                    let mut tile = pair(simd, [scores[0][v], scores[1][v]], &names[..2]);
                    for c in (2..CENTERS).step_by(2) {
                        tile = merge(simd, tile, pair(simd, [scores[c][v], scores[c + 1][v]], &names[c..]));
                    }
                    nearest[v] = merge(simd, nearest[v], tile);
                }
            }
        }
        for (v, BestTwo { best, index, second }) in nearest.into_iter().enumerate() {
            let lane = b * width + v * S::LANES;
            simd.store(best, &mut self.best[lane..]);
            simd.store(index, &mut self.index[lane..]);
            simd.store(second, &mut self.second[lane..]);
        }
    }

    /// The best two so far of the block from `lane` on.
    #[inline(always)]
    fn nearest<S: Simd<T>, const VECTORS: usize>(&self, simd: S, lane: usize) -> [BestTwo<S::V>; VECTORS] {
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

fn part<'a>(learned: &'a mut Option<&mut [Learned]>, from: usize, length: usize) -> Option<&'a mut [Learned]> {
    learned.as_mut().map(|learned| &mut learned[from..from + length])
}

/// Writes what the scores of a block say of the distances themselves, which are T + ||x - m||^2; the computed Y errs by
/// no more than `(d + 8) u` of that.
#[inline(always)]
fn learn<T: Float, S: Simd<T>, const VECTORS: usize>(
    simd: S,
    filter: &Filter<T>,
    norms: [S::V; VECTORS],
    nearest: [BestTwo<S::V>; VECTORS],
    learned: Option<&mut [Learned]>,
) {
    let Some(learned) = learned else { return };
    let u = T::UNIT_ROUNDOFF;
    // 16 u more, of the norms, for the roundings below.
    let of_norm = simd.splat(T::from_f64(filter.row.to_f64() + (filter.shift.len() + 24) as f64 * u));
    let of_center = simd.splat(T::from_f64(filter.norm.to_f64() + 16.0 * u));
    let (floor, zero) = (simd.splat(filter.floor), simd.splat(T::default()));
    for (v, learned) in learned.chunks_mut(S::LANES).enumerate() {
        let [mut index, mut own, mut upper, mut lower, mut others] = [[T::default(); 16]; 5];
        simd.store(nearest[v].index, &mut index);
        for (own, j) in own[..S::LANES].iter_mut().zip(&index) {
            *own = filter.norms[j.to_index() as usize];
        }
        let own = simd.mul(of_center, simd.load(&own));
        let slack = simd.add(simd.fma(of_norm, norms[v], floor), own);
        let best = simd.add(norms[v], nearest[v].best);
        let second = simd.add(norms[v], nearest[v].second);
        // `max` gives its second argument where the first is NaN: nothing is known then.
        simd.store(simd.sqrt(simd.max(simd.add(best, slack), zero)), &mut upper);
        simd.store(simd.sqrt(simd.max(simd.sub(best, slack), zero)), &mut lower);
        simd.store(simd.sqrt(simd.max(simd.sub(second, slack), zero)), &mut others);
        for (l, learned) in learned.iter_mut().enumerate() {
            *learned = Learned::new(upper[l].to_f64(), lower[l].to_f64(), others[l].to_f64());
        }
    }
}

/// Writes the labels of a block, whose first row is row `from`; lists the rows within the bound.
#[inline(always)]
fn decide<T: Float, S: Simd<T>, const VECTORS: usize>(
    simd: S,
    filter: &Filter<T>,
    norms: [S::V; VECTORS],
    nearest: [BestTwo<S::V>; VECTORS],
    labels: &mut [i32],
    from: usize,
    undecided: &mut Vec<u32>,
) {
    let width = VECTORS * S::LANES;
    let mut index = [T::default(); MOST_LANES];
    for v in 0..VECTORS {
        simd.store(nearest[v].index, &mut index[v * S::LANES..]);
    }
    // By way of an array whose length the compiler knows.
    let mut names = [0; MOST_LANES];
    for (name, j) in names[..width].iter_mut().zip(&index) {
        *name = j.to_index() as i32;
    }
    labels.copy_from_slice(&names[..labels.len()]);

    let (row, floor) = (simd.splat(filter.row), simd.splat(filter.floor));
    let (of_center, largest) = (simd.splat(filter.norm), simd.splat(filter.largest_norm));
    let limit = simd.splat(T::from_f64(T::NORM_LIMIT));
    // The largest centre bounds them all; only where that is not enough is each row's own looked up.
    let mut decided = simd.lt(norms[0], limit);
    for v in 0..VECTORS {
        let bound = simd.fma(of_center, largest, simd.fma(row, norms[v], floor));
        let enough = simd.and(simd.lt(bound, simd.sub(nearest[v].second, nearest[v].best)), simd.lt(norms[v], limit));
        decided = simd.and(decided, enough);
    }
    if simd.all(decided) {
        return;
    }
    let (yes, no) = (simd.splat(T::from_index(1)), simd.splat(T::default()));
    for v in 0..VECTORS {
        let mut own = [T::default(); MOST_LANES];
        let mut decided = [T::default(); MOST_LANES];
        let from = from + v * S::LANES;
        for (own, j) in own.iter_mut().zip(&index[v * S::LANES..][..S::LANES]) {
            *own = filter.norms[j.to_index() as usize];
        }
        let bound = simd.fma(of_center, simd.load(&own), simd.fma(row, norms[v], floor));
        let enough = simd.and(simd.lt(bound, simd.sub(nearest[v].second, nearest[v].best)), simd.lt(norms[v], limit));
        simd.store(simd.select(enough, yes, no), &mut decided);
        let rows = labels.len().saturating_sub(v * S::LANES).min(S::LANES);
        for (l, decided) in decided[..rows].iter().enumerate() {
            if decided.to_index() == 0 {
                undecided.push((from + l) as u32);
            }
        }
    }
}

/// The lowest score of each lane, whose it is, and the second lowest.
#[derive(Clone, Copy)]
struct BestTwo<V> {
    best: V,
    index: V,
    second: V,
}

impl<V: Copy> BestTwo<V> {
    #[inline(always)]
    fn none<T: Float, S: Simd<T, V = V>>(simd: S) -> Self {
        let far = simd.splat(T::INFINITY);
        BestTwo { best: far, index: simd.splat(T::default()), second: far }
    }
}

/// Of two centres' scores. Taking the centres of a tile in pairs costs as much as one by one, but they need not wait for
/// each other.
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

/// Adds the products of one feature: all samples of a block with all centres of a tile.
#[inline(always)]
fn multiply<T: Float, S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(
    simd: S,
    values: &[T],
    centers: &[T],
    scores: &mut [[S::V; VECTORS]; CENTERS],
) {
    let y: [S::V; VECTORS] = simd.load_all(values);
    for c in 0..CENTERS {
        let center = simd.splat(centers[c]);
        for v in 0..VECTORS {
            scores[c][v] = simd.fma(y[v], center, scores[c][v]);
        }
    }
}

/// `block` and zeros, `length` values.
#[inline(always)]
fn pad<'a, T: Float>(block: &[T], padded: &'a mut Vec<T>, length: usize) -> &'a [T] {
    padded.clear();
    padded.extend_from_slice(block);
    padded.resize(length, T::default());
    padded
}
