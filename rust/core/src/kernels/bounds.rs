//! Distances that need not be computed: what a pass learns about a row outlives small moves of the centres.
//!
//! Hamerly (2010), "Making k-means even faster": keep for each row an upper bound on the distance to its centre and a lower
//! bound on the distances to all others. When centres move, the first grows by the move of the row's own centre and the
//! second shrinks by the largest move of another. While they do not meet, the label stands. Where they meet, the one
//! distance to the row's own centre is computed; only where they still meet does the row see all centres again.
//!
//! Bounds are f32, rounded outwards by [`UP`] and [`DOWN`] whenever they are touched. That leaves at least 2^-23 between
//! them and the true distances, where the definition of a label (see [`super::nearest`]) needs `(d + 3) u64`: a label that the
//! bounds keep is the label that the definition gives.

use super::simd::{Simd, Task};
use crate::float::Float;
use crate::rows::Dense;

/// More than two roundings of f32 up, or down.
const UP: f32 = 1.0 + 1.0 / 4_194_304.0;
const DOWN: f32 = 1.0 - 1.0 / 4_194_304.0;

/// What is known of a row's distances.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At least the distance to its own centre.
    upper: f32,
    /// At most the distance to any other.
    lower: f32,
}

impl Bounds {
    /// Nothing.
    pub const UNKNOWN: Bounds = Bounds { upper: f32::INFINITY, lower: 0.0 };

    /// From bounds on the squares.
    #[inline(always)]
    pub fn of_squares(upper: f64, lower: f64) -> Bounds {
        Bounds { upper: round_up(upper.max(0.0).sqrt()), lower: round_down(lower.max(0.0).sqrt()) }
    }

    #[inline(always)]
    fn keep_apart(self) -> bool {
        self.upper < self.lower
    }
}

/// Below the normal numbers a relative step is none.
#[inline(always)]
fn round_up(x: f64) -> f32 {
    x as f32 * UP + f32::MIN_POSITIVE
}

#[inline(always)]
fn round_down(x: f64) -> f32 {
    (x as f32).min(f32::MAX) * DOWN - f32::MIN_POSITIVE
}

/// How far every centre has moved since the bounds were right.
pub struct Drift {
    moves: Vec<f32>,
    farthest: usize,
    /// The farthest move, and the farthest of the others.
    largest: [f32; 2],
}

impl Drift {
    /// From centres `before` (k, d) to centres `after`.
    pub fn new(before: &[f64], after: &[f64], d: usize) -> Drift {
        let moves: Vec<f32> = before
            .chunks_exact(d)
            .zip(after.chunks_exact(d))
            .map(|(before, after)| {
                let squares: f64 = before.iter().zip(after).map(|(b, a)| (a - b) * (a - b)).sum();
                if before == after { 0.0 } else { round_up(squares.sqrt()) }
            })
            .collect();
        let mut drift = Drift { moves, farthest: 0, largest: [0.0; 2] };
        for (j, &moved) in drift.moves.iter().enumerate() {
            if moved > drift.largest[0] {
                drift.largest = [moved, drift.largest[0]];
                drift.farthest = j;
            } else if moved > drift.largest[1] {
                drift.largest[1] = moved;
            }
        }
        drift
    }
}

/// What is known of consecutive rows.
pub struct Known<'a> {
    /// For each row.
    pub bounds: &'a mut [Bounds],
    /// Since the bounds were right; None if they are not, and to be taken anew.
    pub drift: Option<&'a Drift>,
}

impl<'a> Known<'a> {
    /// `length` rows at a time, for `parts` parts, of what may not be known at all.
    pub fn chunks(known: Option<Known<'a>>, length: usize, parts: usize) -> Vec<Option<Known<'a>>> {
        match known {
            Some(Known { bounds, drift }) => {
                bounds.chunks_mut(length).map(|bounds| Some(Known { bounds, drift })).collect()
            }
            None => (0..parts).map(|_| None).collect(),
        }
    }

    /// The part of it for the rows `range`.
    pub fn part<'b>(known: &'b mut Option<Known<'a>>, range: std::ops::Range<usize>) -> Option<Known<'b>> {
        known.as_mut().map(|known| Known { bounds: &mut known.bounds[range], drift: known.drift })
    }
}

/// Carries the bounds of labelled rows over a drift and lists the rows whose label it puts in doubt.
pub struct Sift<'a, F> {
    /// The rows start at row `from`.
    pub rows: &'a Dense<'a, F>,
    /// See `rows`.
    pub from: usize,
    /// (k, d), moved already.
    pub centers: &'a [f64],
    /// Of the rows, before.
    pub labels: &'a [i32],
    /// Of the rows.
    pub bounds: &'a mut [Bounds],
    /// What happened to the centres.
    pub drift: &'a Drift,
    /// Positions in `labels`, in order.
    pub doubtful: &'a mut Vec<u32>,
}

impl<F: Float> Task<F> for Sift<'_, F> {
    /// How many distances were computed.
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> usize {
        let Sift { rows, from, centers, labels, bounds, drift, doubtful } = self;
        let d = rows.d();
        doubtful.resize(labels.len(), 0);
        let mut n = 0;
        for (i, (bounds, &label)) in bounds.iter_mut().zip(labels).enumerate() {
            let own = label as usize;
            let others = drift.largest[usize::from(own == drift.farthest)];
            bounds.upper = (bounds.upper + drift.moves[own]) * UP;
            bounds.lower = (bounds.lower - others) * DOWN;
            // Written in any case: a branch here would be mispredicted.
            doubtful[n] = i as u32;
            n += usize::from(!bounds.keep_apart());
        }
        let computed = n;
        n = 0;
        for at in 0..computed {
            let i = doubtful[at] as usize;
            let center = &centers[labels[i] as usize * d..][..d];
            bounds[i].upper = round_up(squared_distance(rows.row(from + i), center).sqrt());
            doubtful[n] = i as u32;
            n += usize::from(!bounds[i].keep_apart());
        }
        doubtful.truncate(n);
        computed
    }
}

/// In any order of additions: it errs by no more than `(d + 2) u64`, relatively.
#[inline(always)]
fn squared_distance<F: Float>(row: &[F], center: &[f64]) -> f64 {
    const CHAINS: usize = 8;
    let mut sums = [0.0; CHAINS];
    let (rows, centers) = (row.chunks_exact(CHAINS), center.chunks_exact(CHAINS));
    let rest = rows.remainder().iter().zip(centers.remainder());
    for (x, c) in rows.zip(centers) {
        for f in 0..CHAINS {
            let difference = x[f].to_f64() - c[f];
            sums[f] += difference * difference;
        }
    }
    let rest: f64 = rest.map(|(x, c)| (x.to_f64() - c) * (x.to_f64() - c)).sum();
    sums.iter().sum::<f64>() + rest
}
