//! The nearest centre of every row, computing only the distances that can matter.
//!
//! As in [`crate::kernels::bounds`]: while the upper bound on the distance to a row's own centre, which grows by that centre's
//! move, stays below the lower bound on all others, which shrinks by the largest move of another, the label stands. Where they
//! meet, the distance to the own centre is computed; where they still meet, those to the few centres that moved most; and
//! only then all. Medians often do not move at all.

use std::ops::Range;

use crate::error::Result;
use crate::float::Float;
use crate::kernels::nearest_manhattan::{Codebook, Lanes, Lowest, Scan, distance, slack};
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Dense, Rows};
use crate::run::{self, Pulse, Run};

/// What is known of a row's distances.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At least the distance to its own centre.
    upper: f64,
    /// At most the distance to any other.
    lower: f64,
}

impl Bounds {
    /// Nothing.
    pub const UNKNOWN: Bounds = Bounds { upper: f64::INFINITY, lower: 0.0 };
}

/// How the centres moved since the bounds were right.
pub struct Drift<F> {
    /// At least each one's move.
    moves: Vec<f64>,
    /// The largest move, whose it is, and the largest of the others.
    most: (f64, usize, f64),
    /// The centres that moved most ...
    movers: Vec<u32>,
    codebook: Codebook<F>,
    /// ... and at least how far any other did.
    rest: f64,
}

impl<F: Float> Drift<F> {
    /// Of centres that moved by so much to be those of `codebook`.
    pub fn new(moves: Vec<f64>, codebook: &Codebook<F>, d: usize) -> Drift<F> {
        let mut order: Vec<usize> = (0..moves.len()).collect();
        order.sort_by(|&a, &b| moves[b].total_cmp(&moves[a]).then(a.cmp(&b)));
        let nth = |at: usize| order.get(at).map_or(0.0, |&j| moves[j]);
        let moved = moves.iter().filter(|&&by| by > 0.0).count();
        let few = if 2 * moved <= moves.len() { moved } else { moves.len() / 4 };
        let movers: Vec<u32> = order[..few].iter().map(|&j| j as u32).collect();
        let centers = movers.iter().flat_map(|&j| &codebook.centers()[j as usize * d..][..d]).copied().collect();
        let most = (nth(0), order[0], nth(1));
        let rest = nth(few);
        Drift { most, movers, codebook: Codebook::new(centers, d, codebook.level()), rest, moves }
    }
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pass {
    /// Rows with weight whose label is another one now.
    pub moved: usize,
    /// Rows that the filter left undecided.
    pub rescored: usize,
    /// Distances computed.
    pub distances: usize,
}

/// Labels every row. Where there is `drift`, `labels` and `bounds` are those of the last pass.
pub fn assign<F: Float>(
    rows: &Dense<'_, F>,
    weights: Option<&[f64]>,
    codebook: &Codebook<F>,
    labels: &mut [i32],
    bounds: &mut [Bounds],
    drift: Option<&Drift<F>>,
    run: &Run<'_>,
) -> Result<Pass> {
    let n = rows.n();
    let work = 3 * rows.d() * codebook.k();
    let length = run::rows_per_task(n, work);
    let tasks = run::ranges(n, length).into_iter().zip(labels.chunks_mut(length)).zip(bounds.chunks_mut(length));
    let parts =
        run.map_with(tasks.collect(), n.saturating_mul(work), |scratch, ((range, labels), bounds), pulse| {
            let rows = Part { rows, weights, codebook, level: codebook.level() };
            rows.label(range, labels, bounds, drift, scratch, pulse)
        })?;
    let add = |all: Pass, part: Pass| Pass {
        moved: all.moved + part.moved,
        rescored: all.rescored + part.rescored,
        distances: all.distances + part.distances,
    };
    Ok(parts.into_iter().fold(Pass::default(), add))
}

/// Rows that are scanned at a time; their values stay in the cache.
const STRIP: usize = 512;

/// What a thread needs for a strip of rows.
#[derive(Default)]
struct Scratch<F> {
    /// Rows that bounds cannot settle, and whether against all centres (else against the movers).
    doubtful: Vec<(u32, bool)>,
    gathered: Vec<F>,
    positions: Vec<u32>,
    lowest: Vec<Lowest>,
    lanes: Lanes<F>,
    row: Vec<f64>,
    distances: Vec<f64>,
}

/// Rows of a task.
struct Part<'a, F: Float> {
    rows: &'a Dense<'a, F>,
    weights: Option<&'a [f64]>,
    codebook: &'a Codebook<F>,
    level: Level,
}

impl<F: Float> Part<'_, F> {
    fn label(
        &self,
        range: Range<usize>,
        labels: &mut [i32],
        bounds: &mut [Bounds],
        drift: Option<&Drift<F>>,
        scratch: &mut Scratch<F>,
        pulse: &Pulse<'_>,
    ) -> Result<Pass> {
        let mut pass = Pass::default();
        for strip in run::ranges(range.len(), STRIP) {
            pulse.check()?;
            let from = range.start + strip.start;
            let (labels, bounds) = (&mut labels[strip.clone()], &mut bounds[strip]);
            scratch.doubtful.clear();
            match drift {
                None => {
                    let samples = self.rows.span(from, from + labels.len());
                    self.scan(samples, self.codebook, &mut scratch.lowest, &mut scratch.lanes);
                    let lowest = std::mem::take(&mut scratch.lowest);
                    for (r, lowest) in lowest.iter().enumerate() {
                        self.settle(from, r, *lowest, labels, bounds, scratch, &mut pass)?;
                    }
                    scratch.lowest = lowest;
                    pass.distances += labels.len() * self.codebook.k();
                }
                Some(drift) => {
                    let (rows, codebook) = (self.rows, self.codebook);
                    let doubtful = &mut scratch.doubtful;
                    pass.distances += self.level.run(Sift { rows, from, codebook, labels, bounds, drift, doubtful });
                    self.against_movers(from, drift, labels, bounds, scratch, &mut pass);
                    self.against_all(from, labels, bounds, scratch, &mut pass)?;
                }
            }
        }
        Ok(pass)
    }

    fn scan(&self, rows: &[F], codebook: &Codebook<F>, lowest: &mut Vec<Lowest>, lanes: &mut Lanes<F>) {
        lowest.clear();
        lowest.resize(rows.len() / self.rows.d(), Lowest::UNKNOWN);
        self.level.run(Scan { rows, codebook, lowest, lanes });
    }

    /// Writes what a scan of all centres found, or the definition where that decided nothing.
    #[allow(clippy::too_many_arguments)] // one row's places
    fn settle(
        &self,
        from: usize,
        r: usize,
        mut lowest: Lowest,
        labels: &mut [i32],
        bounds: &mut [Bounds],
        scratch: &mut Scratch<F>,
        pass: &mut Pass,
    ) -> Result<()> {
        let i = from + r;
        if !lowest.decided {
            let Scratch { row, distances, .. } = scratch;
            row.resize(self.rows.d(), 0.0);
            distances.resize(self.codebook.k(), 0.0);
            Rows::Dense(*self.rows).write_row(i, row);
            self.codebook.distances(row, distances);
            lowest = Lowest::of(distances, row.len());
            pass.rescored += 1;
            if !lowest.decided {
                return Err(Rows::Dense(*self.rows).blame(i));
            }
        }
        self.write(i, r, lowest.label, lowest.upper, lowest.lower, labels, bounds, pass);
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // one row's places
    fn write(
        &self,
        i: usize,
        r: usize,
        label: u32,
        upper: f64,
        lower: f64,
        labels: &mut [i32],
        bounds: &mut [Bounds],
        pass: &mut Pass,
    ) {
        let moved = labels[r] != label as i32 && self.weights.is_none_or(|w| w[i] > 0.0);
        pass.moved += usize::from(moved);
        labels[r] = label as i32;
        bounds[r] = Bounds { upper, lower };
    }

    /// The doubtful rows that only movers can be nearer to. Those that this does not settle are held against all.
    fn against_movers(
        &self,
        from: usize,
        drift: &Drift<F>,
        labels: &mut [i32],
        bounds: &mut [Bounds],
        scratch: &mut Scratch<F>,
        pass: &mut Pass,
    ) {
        self.gather(from, scratch, |all| !all);
        let Scratch { gathered, positions, lowest, lanes, doubtful, .. } = scratch;
        if positions.is_empty() {
            return;
        }
        self.scan(gathered, &drift.codebook, lowest, lanes);
        pass.distances += positions.len() * drift.movers.len();
        let mut unsettled = doubtful.iter_mut().filter(|(_, all)| !all);
        for (&r, near) in positions.iter().zip(lowest.iter()) {
            let doubt = unsettled.next().expect("a place for each row that was gathered");
            let r = r as usize;
            let (own, rest) = (bounds[r], bounds[r].lower);
            let name = drift.movers[near.label as usize];
            // Not less than the distance to the own centre, from which the upper bound was rounded up.
            let own_least = own.upper * (1.0 - 4.0 * slack(self.rows.d()));
            let stays = name as i32 == labels[r];
            if near.least > own.upper {
                // Then the own centre is no mover: the nearest of these would not be farther than that.
                self.write(from + r, r, labels[r] as u32, own.upper, near.least.min(rest), labels, bounds, pass);
            } else if near.decided && near.upper < rest && (stays || near.upper < own_least) {
                let others = near.lower.min(rest).min(if stays { f64::INFINITY } else { own_least });
                self.write(from + r, r, name, near.upper, others, labels, bounds, pass);
            } else {
                doubt.1 = true;
            }
        }
    }

    /// The doubtful rows that are left.
    fn against_all(
        &self,
        from: usize,
        labels: &mut [i32],
        bounds: &mut [Bounds],
        scratch: &mut Scratch<F>,
        pass: &mut Pass,
    ) -> Result<()> {
        self.gather(from, scratch, |all| all);
        self.scan(&scratch.gathered, self.codebook, &mut scratch.lowest, &mut scratch.lanes);
        pass.distances += scratch.positions.len() * self.codebook.k();
        let (positions, lowest) = (std::mem::take(&mut scratch.positions), std::mem::take(&mut scratch.lowest));
        for (&r, lowest) in positions.iter().zip(&lowest) {
            self.settle(from, r as usize, *lowest, labels, bounds, scratch, pass)?;
        }
        (scratch.positions, scratch.lowest) = (positions, lowest);
        Ok(())
    }

    /// Writes the doubtful rows of one kind side by side.
    fn gather(&self, from: usize, scratch: &mut Scratch<F>, wanted: impl Fn(bool) -> bool) {
        let Scratch { doubtful, gathered, positions, .. } = scratch;
        gathered.clear();
        positions.clear();
        for &(r, _) in doubtful.iter().filter(|(_, all)| wanted(*all)) {
            positions.push(r);
            gathered.extend_from_slice(self.rows.row(from + r as usize));
        }
    }
}

/// Moves the bounds of a strip with the centres, lists the rows that they do not settle, and counts distances.
struct Sift<'a, F: Float> {
    rows: &'a Dense<'a, F>,
    from: usize,
    codebook: &'a Codebook<F>,
    labels: &'a [i32],
    bounds: &'a mut [Bounds],
    drift: &'a Drift<F>,
    doubtful: &'a mut Vec<(u32, bool)>,
}

impl<F: Float> Task<F> for Sift<'_, F> {
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> usize {
        let Sift { rows, from, codebook, labels, bounds, drift, doubtful } = self;
        let d = rows.d();
        // Adding up moves rounds, too.
        let (up, down) = (1.0 + slack(d), 1.0 - slack(d));
        let (largest, whose, next) = drift.most;
        let mut distances = 0;
        for (r, (&label, bounds)) in labels.iter().zip(bounds).enumerate() {
            let own = label as usize;
            let others = if own == whose { next } else { largest };
            bounds.upper = (bounds.upper + drift.moves[own]) * up;
            let lower = (bounds.lower - others).max(0.0) * down;
            if bounds.upper < lower {
                bounds.lower = lower;
                continue;
            }
            distances += 1;
            bounds.upper = distance(rows.row(from + r), &codebook.centers()[own * d..][..d]) * up;
            if bounds.upper < lower {
                bounds.lower = lower;
                continue;
            }
            // Movers are looked at themselves.
            bounds.lower = (bounds.lower - drift.rest).max(0.0) * down;
            let only_movers = bounds.upper < bounds.lower && !drift.movers.is_empty();
            doubtful.push((r as u32, !only_movers));
        }
        distances
    }
}
