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
use super::scores::{BestTwo, Floating, Samples, Scores, Tiles, blocks_together, pad};
use super::simd::{Level, Simd, Task};
use super::verdict::{Bound, part};
use crate::float::Float;

/// Up to this many features a score costs less than its bookkeeping, which then stays in registers.
pub(super) const NARROW: usize = 4;
/// Rows of at least so many features are not transposed for so few centres, which would take longer than scoring them.
const LONG: usize = 64;
const FEW_CENTERS: usize = 15;
/// Rows and centres that such rows are scored by together: 10 accumulators, 2 for Y, a shift, 2 rows and a centre.
const ROWS: usize = 2;
const CENTERS: usize = 5;

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
    /// For a few centres of at least [`LONG`] features: -2 t, centre after centre, with zeros up to whole vectors.
    long: Vec<T>,
    /// -2 t.
    tiles: Tiles<T>,
    /// (1 - B) n_j, where the accumulators start; infinite for the centres that fill the last tile.
    starts: Vec<T>,
    norms: Vec<T>,
    largest_norm: T,
    shift: Vec<T>,
    /// 1 - B
    lowered: f64,
    /// The bound's terms: row * Y + norm * n_j + floor.
    row: T,
    norm: T,
    floor: T,
}

impl<T: Float> Filter<T> {
    /// None where scores could overflow or the bound says nothing.
    pub(super) fn new(centers: &[f64], shift: &[f64], level: Level) -> Option<Filter<T>> {
        struct Room<'a> {
            k: usize,
            shift: &'a [f64],
        }
        impl<T: Float> Task<T> for Room<'_> {
            type Out = Option<Filter<T>>;
            #[inline(always)]
            fn run<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Option<Filter<T>> {
                Filter::room(self.k, self.shift, CENTERS, S::LANES)
            }
        }
        let k = centers.len() / shift.len();
        let mut filter = level.run(Room { k, shift })?;
        filter.put(centers, 0..k, shift, level).then_some(filter)
    }

    /// For `k` centres that are not there yet. None where the bound would say nothing.
    fn room(k: usize, shift: &[f64], together: usize, lanes: usize) -> Option<Filter<T>> {
        let d = shift.len();
        let (u, u64) = (T::UNIT_ROUNDOFF, f64::UNIT_ROUNDOFF);
        let features = d as f64;
        // Roundings on the way of a product into its score.
        let is_long = d >= LONG && k <= FEW_CENTERS;
        let steps = if is_long { d.div_ceil(lanes) + lanes } else { chain(d) + d.div_ceil(chain(d)) } as f64;
        if features * u > 1e-3 {
            return None;
        }
        // Covers the roundings of Y, the norms, the gap and the bound themselves.
        let slack = 1.0 + 8.0 * (features + 16.0) * u;
        let definition = 4.04 * (features + 3.0) * u64;
        let a = (steps + 6.0) * u;
        let b = (2.0 * steps + 9.0) * u + (features + 3.0) * u64;
        let tiles = Tiles::new(k, d, together);
        let padded = tiles.padded();
        let length = if is_long { d.next_multiple_of(lanes) } else { 0 };
        Some(Filter {
            narrow: vec![T::default(); if d <= NARROW { k * (d + 2) } else { 0 }],
            long: vec![T::default(); k.next_multiple_of(CENTERS) * length],
            tiles,
            starts: vec![T::INFINITY; padded],
            norms: vec![T::INFINITY; padded],
            largest_norm: T::default(),
            shift: shift.iter().map(|&m| T::from_f64(m)).collect(),
            lowered: 1.0 - b,
            row: T::from_f64((2.0 * a + definition) * slack),
            norm: T::from_f64((2.0 * b + definition) * slack),
            floor: T::from_f64(2.0 * (features + 8.0) * T::MIN_NORMAL),
        })
    }

    /// Puts some of the `centers` (k, d) in their places. False where scores could overflow.
    pub(super) fn put(
        &mut self,
        centers: &[f64],
        which: impl Iterator<Item = usize>,
        shift: &[f64],
        level: Level,
    ) -> bool {
        struct Put<'a, T, I> {
            filter: &'a mut Filter<T>,
            centers: &'a [f64],
            which: I,
            shift: &'a [f64],
        }
        impl<T: Float, I: Iterator<Item = usize>> Task<T> for Put<'_, T, I> {
            type Out = ();
            #[inline(always)]
            fn run<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(self, _: S) {
                let d = self.shift.len();
                self.which.for_each(|j| self.filter.put_one(j, &self.centers[j * d..][..d], self.shift, S::LANES));
            }
        }
        level.run(Put { filter: self, centers, which, shift });
        self.largest_norm.to_f64() < T::NORM_LIMIT
    }

    #[inline(always)]
    fn put_one(&mut self, j: usize, center: &[f64], shift: &[f64], lanes: usize) {
        let d = shift.len();
        let mut squares = 0.0;
        for ((slot, &c), &m) in self.tiles.center_mut(j).zip(center).zip(shift) {
            let t = c - m;
            squares += t * t;
            *slot = T::from_f64(-2.0 * t);
        }
        let (start, norm) = (T::from_f64(squares * self.lowered), T::from_f64(squares));
        (self.starts[j], self.norms[j]) = (start, norm);
        // Of all that were ever put here, which does no harm.
        self.largest_norm = if norm <= self.largest_norm { self.largest_norm } else { norm };
        let columns = self.tiles.center_mut(j).map(|slot| *slot);
        if !self.narrow.is_empty() {
            let start_and_name = [start, T::from_index(j as u32)];
            self.narrow[j * (d + 2)..].iter_mut().zip(columns.chain(start_and_name)).for_each(|(to, x)| *to = x);
        } else if !self.long.is_empty() {
            self.long[j * d.next_multiple_of(lanes)..].iter_mut().zip(columns).for_each(|(to, x)| *to = x);
        }
    }

    fn bound(&self) -> Bound<'_, T> {
        Bound {
            row: self.row,
            center: self.norm,
            floor: self.floor,
            norms: &self.norms,
            largest_norm: self.largest_norm,
            d: self.shift.len(),
        }
    }
}

/// What scoring keeps for each sample.
#[derive(Default)]
pub(super) struct Lanes<T> {
    samples: Samples<T>,
    scores: Scores<T>,
    padded: Vec<T>,
    table: Vec<T>,
}

/// Labels what the filter can decide and lists the rest.
pub(super) struct Scan<'a, T> {
    /// (labels.len(), d)
    pub samples: &'a [T],
    /// Rows that will be scanned next.
    pub ahead: &'a [T],
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
        match self.filter.shift.len() {
            1 => self.run_narrow::<S, VECTORS, 1>(simd),
            2 => self.run_narrow::<S, VECTORS, 2>(simd),
            3 => self.run_narrow::<S, VECTORS, 3>(simd),
            4 => self.run_narrow::<S, VECTORS, 4>(simd),
            _ if !self.filter.long.is_empty() => self.run_long::<S, VECTORS>(simd),
            _ => self.run_wide::<S, VECTORS, CENTERS>(simd),
        }
    }
}

impl<T: Float> Scan<'_, T> {
    #[inline(always)]
    fn run_wide<S: Simd<T>, const VECTORS: usize, const CENTERS: usize>(self, simd: S) {
        let Scan { samples, ahead, filter, lanes, labels, undecided, mut learned } = self;
        let (d, bound) = (filter.shift.len(), filter.bound());
        let width = VECTORS * S::LANES;
        let together = blocks_together::<T>(width, d) * width;
        let mut from = 0;
        let mut chunks = samples.chunks(together * d).chain(ahead.chunks(together * d)).peekable();
        for labels in labels.chunks_mut(together) {
            let rows = chunks.next().unwrap_or_default();
            let ahead = chunks.peek().copied().unwrap_or_default();
            let Lanes { samples, scores, .. } = lanes;
            samples.load::<S, VECTORS>(simd, rows, &filter.shift);
            let (tiles, starts) = (&filter.tiles, &filter.starts);
            scores.score::<Floating, S, VECTORS, CENTERS>(simd, &samples.values, tiles, starts, chain(d), ahead);
            for (b, labels) in labels.chunks_mut(width).enumerate() {
                let lane = b * width;
                let norms = simd.load_all(&samples.norms[lane..]);
                let nearest = scores.nearest::<S, VECTORS>(simd, lane);
                bound.learn::<S, VECTORS>(simd, norms, nearest, part(&mut learned, from + lane, labels.len()));
                bound.decide::<S, VECTORS>(simd, norms, nearest, labels, from + lane, undecided);
            }
            from += labels.len();
        }
    }

    /// Rows shorter than the bookkeeping of a score: sample and best two stay in registers from centre to centre.
    #[inline(always)]
    fn run_narrow<S: Simd<T>, const VECTORS: usize, const D: usize>(self, simd: S) {
        let Scan { samples, filter, lanes, labels, undecided, mut learned, .. } = self;
        let width = VECTORS * S::LANES;
        let bound = filter.bound();
        for (b, (block, labels)) in samples.chunks(width * D).zip(labels.chunks_mut(width)).enumerate() {
            let block = if block.len() == width * D { block } else { pad(block, D, &mut lanes.padded, width * D) };
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
                    nearest[v] = nearest[v].with(simd, scores[v], named);
                }
            }
            bound.learn::<S, VECTORS>(simd, norms, nearest, part(&mut learned, b * width, labels.len()));
            bound.decide::<S, VECTORS>(simd, norms, nearest, labels, b * width, undecided);
        }
    }
}

impl<T: Float> Scan<'_, T> {
    /// Rows too long to be transposed for a few centres: products are added up along the features.
    #[inline(always)]
    fn run_long<S: Simd<T>, const VECTORS: usize>(self, simd: S) {
        let Scan { samples, ahead, filter, lanes, labels, undecided, mut learned } = self;
        let (d, bound) = (filter.shift.len(), filter.bound());
        let width = VECTORS * S::LANES;
        let length = d.next_multiple_of(S::LANES);
        let Lanes { padded, table, .. } = lanes;
        // [centre][lane], and Y in the end.
        table.resize((filter.long.len() / length + 1) * width, T::default());
        let mut blocks = samples.chunks(width * d).chain(ahead.chunks(width * d)).peekable();
        for (b, labels) in labels.chunks_mut(width).enumerate() {
            let block = blocks.next().unwrap_or_default();
            let block = if block.len() == width * d { block } else { pad(block, d, padded, width * d) };
            let mut ahead = blocks.peek().copied().unwrap_or_default().chunks(ROWS * d);
            let (scores, squares) = table.split_at_mut(filter.long.len() / length * width);
            let tiles = filter.long.chunks_exact(CENTERS * length).zip(scores.chunks_exact_mut(CENTERS * width));
            for (t, (centers, scores)) in tiles.enumerate() {
                for (r, rows) in block.chunks_exact(ROWS * d).enumerate() {
                    let (sums, norms) = if t == 0 {
                        along::<T, S, true>(simd, rows, ahead.next().unwrap_or_default(), centers, &filter.shift)
                    } else {
                        along::<T, S, false>(simd, rows, &[], centers, &filter.shift)
                    };
                    for i in 0..ROWS {
                        for c in 0..CENTERS {
                            scores[c * width + r * ROWS + i] = simd.sum(sums[i][c]);
                        }
                        if t == 0 {
                            squares[r * ROWS + i] = simd.sum(norms[i]);
                        }
                    }
                }
            }
            let norms = simd.load_all(squares);
            let mut nearest = [BestTwo::none(simd); VECTORS];
            for (j, (scores, &start)) in scores.chunks_exact(width).zip(&filter.starts).enumerate() {
                let (named, start) = (simd.splat(T::from_index(j as u32)), simd.splat(start));
                for v in 0..VECTORS {
                    let score = simd.add(simd.load(&scores[v * S::LANES..]), start);
                    nearest[v] = nearest[v].with(simd, score, named);
                }
            }
            bound.learn::<S, VECTORS>(simd, norms, nearest, part(&mut learned, b * width, labels.len()));
            bound.decide::<S, VECTORS>(simd, norms, nearest, labels, b * width, undecided);
        }
    }
}

/// -2 y.t of a few rows (ROWS, d) and centres, and with `NORMS` Y, by lanes; `ahead` is asked for a little at a time.
#[inline(always)]
fn along<T: Float, S: Simd<T>, const NORMS: bool>(
    simd: S,
    rows: &[T],
    ahead: &[T],
    centers: &[T],
    shift: &[T],
) -> ([[S::V; CENTERS]; ROWS], [S::V; ROWS]) {
    let d = shift.len();
    let length = d.next_multiple_of(S::LANES);
    let whole = d - d % S::LANES;
    let mut sums = [[simd.splat(T::default()); CENTERS]; ROWS];
    let mut norms = [simd.splat(T::default()); ROWS];
    // Slices of one known length, so that a loop step checks no bounds.
    let mut heads = [&shift[..whole]; ROWS];
    for (i, head) in heads.iter_mut().enumerate() {
        *head = &rows[i * d..][..whole];
    }
    let mut columns = [&shift[..whole]; CENTERS];
    for (c, column) in columns.iter_mut().enumerate() {
        *column = &centers[c * length..][..whole];
    }
    let shifts = &shift[..whole];
    let mut f = 0;
    while f + S::LANES <= whole {
        simd.prefetch(ahead.get(ROWS * f..ROWS * f + 1).unwrap_or_default());
        let m = simd.load(&shifts[f..]);
        let mut y = [m; ROWS];
        for i in 0..ROWS {
            y[i] = simd.sub(simd.load(&heads[i][f..]), m);
            if NORMS {
                norms[i] = simd.fma(y[i], y[i], norms[i]);
            }
        }
        for c in 0..CENTERS {
            let center = simd.load(&columns[c][f..]);
            for i in 0..ROWS {
                sums[i][c] = simd.fma(y[i], center, sums[i][c]);
            }
        }
        f += S::LANES;
    }
    if whole < d {
        let mut rest = [[T::default(); 16]; ROWS];
        for (i, rest) in rest.iter_mut().enumerate() {
            for (f, y) in rest[..d - whole].iter_mut().enumerate() {
                *y = rows[i * d + whole + f] - shift[whole + f];
            }
        }
        for i in 0..ROWS {
            let y = simd.load(&rest[i]);
            norms[i] = simd.fma(y, y, norms[i]);
            for c in 0..CENTERS {
                sums[i][c] = simd.fma(y, simd.load(&centers[c * length + whole..]), sums[i][c]);
            }
        }
    }
    (sums, norms)
}
