//! Within-cluster sums of squares from direct differences.

use std::ops::Range;

use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::{add_up, squared_distance};
use crate::kernels::simd::{Level, Simd, Task};
use crate::rows::{Dense, Rows};
use crate::run::{self, Run};

/// The squared distance of row i to `center`: for dense rows exactly the one that defines labels, for CSR rows
/// that of the stored cells plus what ||c||^2, which is `norm`, has beside them.
#[inline(always)]
pub fn distance<F: Float>(rows: &Rows<'_, F>, i: usize, center: &[f64], norm: f64) -> f64 {
    match rows {
        Rows::Dense(x) => x.row(i).iter().zip(center).fold(0.0, |sum, (x, c)| {
            let difference = x.to_f64() - c;
            sum + difference * difference
        }),
        Rows::Csr(_) => {
            let (mut near, mut stored) = (0.0, 0.0);
            rows.for_cells(i, |f, x| {
                let c = center[f];
                near += (x - c) * (x - c);
                stored += c * c;
            });
            let distance = near + (norm - stored);
            // The difference of two norms errs by some roundings of the larger; where that is not small against the
            // distance (a column a million times wider than the others), every cell is looked at.
            let error = 8.0 * (center.len() as f64).sqrt() * f64::UNIT_ROUNDOFF * norm;
            if error <= 1e-9 * distance { distance } else { distance_over_all_cells(rows, i, center) }
        }
    }
}

/// The definition's distance for a row whose zeros are not stored.
#[cold]
fn distance_over_all_cells<F: Float>(rows: &Rows<'_, F>, i: usize, center: &[f64]) -> f64 {
    let mut sum = 0.0;
    let mut next = 0;
    rows.for_cells(i, |f, x| {
        sum = center[next..f].iter().fold(sum, |sum, c| sum + c * c);
        sum += (x - center[f]) * (x - center[f]);
        next = f + 1;
    });
    center[next..].iter().fold(sum, |sum, c| sum + c * c)
}

/// ||c||^2 of centres (k, d).
pub fn norms(centers: &[f64], d: usize) -> Vec<f64> {
    centers.chunks_exact(d).map(|center| add_up([center], |[c]| c * c)).collect()
}

/// Squared distances of dense rows to their centres. Several sums a row are added up side by side: one after the other they
/// would wait longer for each other than for the memory.
struct OwnDistances<'a, F> {
    rows: &'a Dense<'a, F>,
    range: Range<usize>,
    /// (k, d)
    centers: &'a [f64],
    /// Of the range.
    labels: &'a [i32],
}

impl<F: Float> Task<F> for OwnDistances<'_, F> {
    type Out = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Vec<f64> {
        let OwnDistances { rows, range, centers, labels } = self;
        let d = rows.d();
        let labelled = range.zip(labels);
        labelled.map(|(i, &j)| squared_distance::<f64, 8>(rows.row(i), &centers[j as usize * d..][..d])).collect()
    }
}

/// Calls `each(range, distances)` in parallel for consecutive ranges of rows and the squared distances to their centres.
pub fn for_distances<F: Float, T: Send>(
    rows: &Rows<'_, F>,
    centers: &[f64],
    labels: &[i32],
    level: Level,
    run: &Run<'_>,
    each: impl Fn(Range<usize>, &[f64]) -> T + Sync,
) -> Result<Vec<T>> {
    let n = rows.n();
    let norms = norms(centers, rows.d());
    let per_row = rows.size() / n.max(1) + 1;
    let tasks = run::ranges(n, run::rows_per_task(n, 16 * per_row));
    run.map(tasks, n.saturating_mul(per_row), |range, pulse| {
        pulse.check()?;
        let distances = own_distances(rows, range.clone(), centers, &norms, &labels[range.clone()], level);
        Ok(each(range, &distances))
    })
}

/// Squared distances of the rows of `range` to the centres (k, d) of `norms` (k,) that their `labels` name.
pub fn own_distances<F: Float>(
    rows: &Rows<'_, F>,
    range: Range<usize>,
    centers: &[f64],
    norms: &[f64],
    labels: &[i32],
    level: Level,
) -> Vec<f64> {
    let d = rows.d();
    match rows {
        Rows::Dense(rows) => level.run(OwnDistances { rows, range, centers, labels }),
        Rows::Csr(_) => {
            let own = range.zip(labels).map(|(i, &label)| (i, label as usize));
            own.map(|(i, j)| distance(rows, i, &centers[j * d..][..d], norms[j])).collect()
        }
    }
}

/// Squared distances of some rows to one point (d,), whose squared norm is `norm`.
pub struct ToPoint<'a, F> {
    /// X
    pub rows: &'a Rows<'a, F>,
    /// Rows of it.
    pub members: &'a [u32],
    /// The point.
    pub point: &'a [f64],
    /// Its own.
    pub norm: f64,
}

impl<F: Float> Task<f64> for ToPoint<'_, F> {
    type Out = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd<f64>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Vec<f64> {
        let ToPoint { rows, members, point, norm } = self;
        let mut squares = Vec::with_capacity(members.len());
        for &i in members {
            squares.push(match rows {
                Rows::Dense(x) => squared_distance::<f64, 8>(x.row(i as usize), point),
                Rows::Csr(_) => distance(rows, i as usize, point, norm),
            });
        }
        squares
    }
}

/// Sum over rows of w ||x - c(label)||^2.
pub fn inertia<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    labels: &[i32],
    level: Level,
    run: &Run<'_>,
) -> Result<f64> {
    let parts = for_distances(rows, centers, labels, level, run, |range, distances| match weights {
        None => distances.iter().sum::<f64>(),
        Some(w) => w[range].iter().zip(distances).map(|(w, distance)| w * distance).sum(),
    })?;
    Ok(parts.into_iter().sum())
}

/// What the last pass over the rows of a cluster shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Rows with weight.
    pub rows: usize,
    /// Sum of w.
    pub weight: f64,
    /// Sum of w^2.
    pub squares: f64,
    /// Sum of w ||x - c||^2.
    pub inertia: f64,
    /// Sum of w ||x - c||.
    pub spread: f64,
    /// The largest ||x - c||^2 of a row with weight.
    pub farthest: f64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.rows += other.rows;
        self.weight += other.weight;
        self.squares += other.squares;
        self.inertia += other.inertia;
        self.spread += other.spread;
        self.farthest = self.farthest.max(other.farthest);
    }
}

/// Rows in succession are mostly of few clusters, and an addition waits for the one before: so many tallies of each take turns.
/// A power of two.
const BANKS: usize = 4;
/// With more clusters than this they are seldom the same.
const FEW_CLUSTERS: usize = 32;

/// Square roots, several to an instruction.
struct Roots<'a>(&'a [f64]);

impl<F: Float> Task<F> for Roots<'_> {
    type Out = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd<F>, const VECTORS: usize, const CENTERS: usize>(self, _: S) -> Vec<f64> {
        self.0.iter().map(|square| square.sqrt()).collect()
    }
}

/// [`inertia`], the same bits, and the tally of each cluster.
pub fn inertia_and_tallies<F: Float>(
    rows: &Rows<'_, F>,
    weights: Option<&[f64]>,
    centers: &[f64],
    labels: &[i32],
    level: Level,
    run: &Run<'_>,
) -> Result<(f64, Vec<Tally>)> {
    let (n, d) = (rows.n(), rows.d());
    let k = centers.len() / d;
    let norms = norms(centers, d);
    let per_row = rows.size() / n.max(1) + 1;
    let ranges = run::ranges(n, run::rows_per_task(n, 16 * per_row));
    // A task has tallies of all clusters, so it has that many rows several times over.
    let together = (8 * k).div_ceil(ranges.first().map_or(1, Range::len));
    let tasks: Vec<&[Range<usize>]> = ranges.chunks(together).collect();
    let banks = if k <= FEW_CLUSTERS { BANKS } else { 1 };
    let parts = run.map(tasks, n.saturating_mul(per_row), |ranges, pulse| {
        let mut tallies = vec![Tally::default(); banks * k];
        let mut sums = Vec::with_capacity(ranges.len());
        for range in ranges {
            pulse.check()?;
            let labels = &labels[range.clone()];
            let distances = own_distances(rows, range.clone(), centers, &norms, labels, level);
            let roots = level.run::<F, _>(Roots(&distances));
            let cells = labels.iter().enumerate().map(|(i, &label)| (i & (banks - 1)) * k + label as usize);
            let of_rows = distances.iter().zip(&roots).zip(cells);
            match weights.map(|w| &w[range.clone()]) {
                None => {
                    sums.push(distances.iter().sum::<f64>());
                    for ((&distance, root), cell) in of_rows {
                        let tally = &mut tallies[cell];
                        tally.rows += 1;
                        tally.inertia += distance;
                        tally.spread += root;
                        tally.farthest = tally.farthest.max(distance);
                    }
                }
                Some(w) => {
                    sums.push(w.iter().zip(&distances).map(|(w, distance)| w * distance).sum());
                    for (((&distance, root), cell), &w) in of_rows.zip(w).filter(|(_, w)| **w > 0.0) {
                        let tally = &mut tallies[cell];
                        tally.rows += 1;
                        tally.weight += w;
                        tally.squares += w * w;
                        tally.inertia += w * distance;
                        tally.spread += w * root;
                        tally.farthest = tally.farthest.max(distance);
                    }
                }
            }
        }
        Ok((sums, tallies))
    })?;
    let mut tallies = vec![Tally::default(); k];
    for bank in parts.iter().flat_map(|(_, part)| part.chunks_exact(k)) {
        tallies.iter_mut().zip(bank).for_each(|(tally, part)| tally.add(part));
    }
    if weights.is_none() {
        tallies.iter_mut().for_each(|tally| (tally.weight, tally.squares) = (tally.rows as f64, tally.rows as f64));
    }
    Ok((parts.into_iter().flat_map(|(sums, _)| sums).sum(), tallies))
}
