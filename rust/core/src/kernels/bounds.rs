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

use super::codebook::Codebook;
use super::direct::squared_distance;
use super::sides::Sides;
use super::simd::{Simd, Task};
use crate::float::Float;
use crate::rows::Dense;

/// More than two roundings of f32 up, or down.
const UP: f32 = 1.0 + 1.0 / 4_194_304.0;
const DOWN: f32 = 1.0 - 1.0 / 4_194_304.0;

/// Rows that are looked at to see what bounds would spare.
const SAMPLE: usize = 512;
/// What a row's bounds cost, and what a row in doubt costs beside distances to movers and to all, in instructions of a scan: of
/// those, longer vectors take fewer.
const LOOK: f64 = 30.0;
const DOUBT: f64 = 200.0;
const DOUBT_BY_FEATURE: f64 = 4.0;
/// The share of a scan of all rows above which bounds spare too little.
const MOST: f64 = 0.85;

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

    #[inline(always)]
    fn keep_apart(self) -> bool {
        self.upper < self.lower
    }
}

/// Below the normal numbers a relative step is none.
#[inline(always)]
pub(super) fn round_up(x: f64) -> f32 {
    x as f32 * UP + f32::MIN_POSITIVE
}

#[inline(always)]
fn round_down(x: f64) -> f32 {
    (x as f32).min(f32::MAX) * DOWN - f32::MIN_POSITIVE
}

/// What scores say of a row's distances.
#[derive(Clone, Copy, Debug)]
pub struct Learned {
    /// At least the distance to the nearest of the centres that were scored.
    upper: f32,
    /// At most that distance.
    pub lower: f32,
    /// At most the distance to any other of them.
    pub others: f32,
}

impl Learned {
    /// Nothing.
    pub const NOTHING: Learned = Learned { upper: f32::INFINITY, lower: 0.0, others: 0.0 };

    /// From distances that are right but for their last rounding.
    #[inline(always)]
    pub fn new(upper: f64, lower: f64, others: f64) -> Learned {
        Learned { upper: round_up(upper), lower: round_down(lower), others: round_down(others) }
    }

    /// Where all centres were scored.
    #[inline(always)]
    pub fn bounds(self) -> Bounds {
        Bounds { upper: self.upper, lower: self.others }
    }
}

/// How far every centre has moved since the bounds were right.
pub struct Drift<F: Float> {
    moves: Vec<f32>,
    farthest: usize,
    /// The farthest move, and the farthest of the others.
    largest: [f32; 2],
    /// The centres that moved most, if looking at them alone spares work, and how far the others moved at most.
    pub(super) movers: Option<Movers<F>>,
    rest: f32,
}

/// The few centres that moved most.
pub(super) struct Movers<F: Float> {
    pub names: Vec<u32>,
    pub codebook: Codebook<F>,
}

/// Values of f32 in a vector.
struct Lanes;

impl Task<f32> for Lanes {
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd<f32>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> usize {
        S::LANES
    }
}

impl<F: Float> Drift<F> {
    /// From the squared `moves` of each centre, for rows with these labels and bounds. None where they would not spare
    /// enough.
    pub fn new(
        moves: &[f64],
        after: &Codebook<F>,
        rows: &Dense<'_, F>,
        labels: &[i32],
        bounds: &[Bounds],
    ) -> Option<Drift<F>> {
        let (k, d) = (after.k(), after.d());
        let moves: Vec<f32> =
            moves.iter().map(|&square| if square == 0.0 { 0.0 } else { round_up(square.sqrt()) }).collect();
        let mut order: Vec<u32> = (0..k as u32).collect();
        order.sort_unstable_by(|&i, &j| moves[j as usize].total_cmp(&moves[i as usize]));
        let at = |place: usize| order.get(place).map_or(0.0, |&j| moves[j as usize]);

        // How far apart the bounds of some rows are tells how many movers to look at.
        let n = labels.len();
        let sampled = n.div_ceil(16).min(SAMPLE);
        let gaps: Vec<f32> = (0..sampled)
            .map(|s| {
                let i = s * n / sampled;
                let own = &after.centers()[labels[i] as usize * d..][..d];
                bounds[i].lower - round_up(squared_distance::<f64, 8>(rows.row(i), own).sqrt())
            })
            .collect();
        let in_doubt = |moved: f32| 1.0 - gaps.iter().filter(|&&gap| moved < gap).count() as f64 / sampled as f64;
        let doubtful = in_doubt(at(0));
        let scan = (k * (d + 2)) as f64 / after.level().run(Lanes) as f64;
        let overhead = (LOOK + doubtful * (DOUBT + DOUBT_BY_FEATURE * d as f64)) / scan;
        let (mut few, mut cost) = (0, overhead + doubtful);
        for movers in [k / 64, k / 32, k / 16, k / 8, k / 4, k / 2] {
            let with = overhead + doubtful * movers as f64 / k as f64 + in_doubt(at(movers));
            if movers > 0 && with < cost {
                (few, cost) = (movers, with);
            }
        }
        if cost > MOST {
            return None;
        }
        let movers = (few > 0).then(|| {
            let names = order[..few].to_vec();
            let centers = names.iter().flat_map(|&j| &after.centers()[j as usize * d..][..d]).copied().collect();
            Movers { names, codebook: Codebook::new(centers, few, after.shift(), after.level()) }
        });
        Some(Drift { farthest: order[0] as usize, largest: [at(0), at(1)], movers, rest: at(few), moves })
    }
}

/// What is known of consecutive rows.
pub enum Known<'a, F: Float> {
    /// How far the centres are.
    Distances {
        /// For each row.
        bounds: &'a mut [Bounds],
        /// Since the bounds were right; None if they are not, and to be taken anew.
        drift: Option<&'a Drift<F>>,
    },
    /// Of two centres: on which side of the plane between them a row is.
    Sides(Sides<'a, F>),
}

impl<'a, F: Float> Known<'a, F> {
    /// `length` rows at a time, for `parts` parts, of what may not be known at all.
    pub fn chunks(known: Option<Known<'a, F>>, length: usize, parts: usize) -> Vec<Option<Known<'a, F>>> {
        match known {
            Some(Known::Distances { bounds, drift }) => {
                bounds.chunks_mut(length).map(|bounds| Some(Known::Distances { bounds, drift })).collect()
            }
            Some(Known::Sides(sides)) => sides.chunks(length).map(|sides| Some(Known::Sides(sides))).collect(),
            None => (0..parts).map(|_| None).collect(),
        }
    }

    /// The part of it for the rows `range`.
    pub fn part<'b>(known: &'b mut Option<Known<'a, F>>, range: std::ops::Range<usize>) -> Option<Known<'b, F>> {
        known.as_mut().map(|known| match known {
            Known::Distances { bounds, drift } => Known::Distances { bounds: &mut bounds[range], drift: *drift },
            Known::Sides(sides) => Known::Sides(sides.part(range)),
        })
    }
}

/// Carries the bounds of labelled rows over a drift and lists the rows whose label it puts in doubt. Their lower bounds then
/// leave the movers out.
pub struct Sift<'a, F: Float> {
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
    pub drift: &'a Drift<F>,
    /// Positions in `labels`, in order.
    pub doubtful: &'a mut Vec<u32>,
    /// The rows there, one after the other.
    pub samples: &'a mut Vec<F>,
}

impl<F: Float> Task<F> for Sift<'_, F> {
    /// How many distances were computed.
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> usize {
        let Sift { rows, from, centers, labels, bounds, drift, doubtful, samples } = self;
        let d = rows.d();
        doubtful.resize(labels.len(), 0);
        let mut n = 0;
        for (i, (bounds, &label)) in bounds.iter_mut().zip(labels).enumerate() {
            let own = label as usize;
            let others = drift.largest[usize::from(own == drift.farthest)];
            let moved = Bounds { upper: (bounds.upper + drift.moves[own]) * UP, lower: (bounds.lower - others) * DOWN };
            // Written in any case: a branch here would be mispredicted.
            doubtful[n] = i as u32;
            n += usize::from(!moved.keep_apart());
            *bounds = if moved.keep_apart() { moved } else { *bounds };
        }
        let computed = n;
        n = 0;
        samples.clear();
        for at in 0..computed {
            let i = doubtful[at] as usize;
            let own = labels[i] as usize;
            let bounds = &mut bounds[i];
            let row = rows.row(from + i);
            bounds.upper = round_up(squared_distance::<f64, 8>(row, &centers[own * d..][..d]).sqrt());
            let others = drift.largest[usize::from(own == drift.farthest)];
            let lower = (bounds.lower - others) * DOWN;
            let clear = bounds.upper < lower;
            bounds.lower = if clear { lower } else { (bounds.lower - drift.rest) * DOWN };
            doubtful[n] = i as u32;
            n += usize::from(!clear);
            if !clear {
                samples.extend_from_slice(row);
            }
        }
        doubtful.truncate(n);
        computed
    }
}

impl Bounds {
    /// For the row of label `own`, of which scores of the movers were `learned`, `nearest` being the nearest of them: whether
    /// that settles the doubt.
    #[inline(always)]
    pub fn settle(&mut self, own: i32, nearest: u32, learned: Learned) -> bool {
        self.lower = self.lower.min(if nearest == own as u32 { learned.others } else { learned.lower });
        self.keep_apart()
    }
}
