//! Candidates for the next centre of greedy k-means++: what each would leave, and the choice of one.
//!
//! A candidate lowers the sum of w min(nearest, D) by w (nearest - D) for each row that is nearer to it than to its
//! nearest centre, about a share of 1 / j of them after j centres. [`Candidates`] leave out nearly all others, and D is computed
//! for the rest alone.

use std::ops::Range;

use super::inertia::{self, norms};
use super::seeding::{Potential, rows_as_centers};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::direct::{Distances, Panel};
use crate::kernels::nearer::{Candidates, Lanes};
use crate::kernels::simd::Level;
use crate::rows::Rows;
use crate::run::{self, Pulse, Run};

/// Sums of other orders of the rows differ by less than this share.
const ROUNDING: f64 = 1e-12;
/// Where less than this share is left of a sum, the rounding of what went would show in what is left.
const LITTLE: f64 = 0.125;
/// Values of rows that are worked on at a time; they fit a second-level cache.
const STRIP: usize = 1 << 15;

/// Every row's distance to its nearest centre.
pub struct Nearest<'a, F> {
    rows: &'a Rows<'a, F>,
    weights: Option<&'a [f64]>,
    level: Level,
    /// D; infinite before there is a centre.
    distances: Vec<f64>,
}

/// A row that is nearer to a candidate.
#[derive(Clone, Copy, Default)]
struct Nearer {
    /// Counted from the first of its task.
    row: u32,
    candidate: u32,
    distance: f64,
}

impl<'a, F: Float> Nearest<'a, F> {
    /// No centre yet.
    pub fn new(rows: &'a Rows<'a, F>, weights: Option<&'a [f64]>, level: Level) -> Self {
        Nearest { rows, weights, level, distances: vec![f64::INFINITY; rows.n()] }
    }
}

impl<F: Float> Potential for Nearest<'_, F> {
    fn distances(&self) -> &[f64] {
        &self.distances
    }

    fn add(&mut self, center: usize, run: &Run<'_>) -> Result<()> {
        let center = Points::new(self.rows, &[center], self.level);
        let length = self.task_rows(1);
        let tasks: Vec<_> = self.distances.chunks_mut(length).enumerate().collect();
        run.map_with(tasks, self.rows.size(), |scratch, (task, nearest), pulse| {
            center.lower(task * length, nearest, scratch, pulse)
        })?;
        Ok(())
    }

    /// The candidate that leaves the lowest sum of w min(nearest, D), which is `potential` now; the first of
    /// equals, where sums that differ by what another order of the rows could have rounded are equal.
    fn add_best(&mut self, candidates: &[usize], potential: f64, run: &Run<'_>) -> Result<usize> {
        let t = candidates.len();
        let points = Points::new(self.rows, candidates, self.level);
        let length = self.task_rows(t);
        let parts =
            run.map_with(run::ranges(self.rows.n(), length), t * self.rows.size(), |scratch, range, pulse| {
                self.gains(&points, range, scratch, pulse)
            })?;
        let mut left = vec![potential; t];
        for (gains, _) in &parts {
            left.iter_mut().zip(gains).for_each(|(left, gain)| *left -= gain);
        }
        if left.iter().any(|&left| left < LITTLE * potential) {
            left = self.left(&points, run)?;
        }
        let best = (1..t).fold(0, |best, c| if left[c] < left[best] * (1.0 - ROUNDING) { c } else { best });

        let center = Points::new(self.rows, &candidates[best..=best], self.level);
        let tasks: Vec<_> = parts.into_iter().zip(self.distances.chunks_mut(length)).enumerate().collect();
        run.map_with(tasks, self.rows.size(), |scratch, (task, ((_, nearer), nearest)), pulse| {
            let Some(nearer) = nearer else { return center.lower(task * length, nearest, scratch, pulse) };
            for nearer in nearer.iter().filter(|nearer| nearer.candidate as usize == best) {
                nearest[nearer.row as usize] = nearer.distance;
            }
            Ok(())
        })?;
        Ok(best)
    }
}

impl<F: Float> Nearest<'_, F> {
    /// By how much the rows of `range` lower the sum of each candidate, and which rows; not if they are more than it is worth
    /// to keep in mind.
    fn gains(
        &self,
        points: &Points<'_, F>,
        range: Range<usize>,
        scratch: &mut Scratch<F>,
        pulse: &Pulse<'_>,
    ) -> Result<(Vec<f64>, Option<Vec<Nearer>>)> {
        let t = points.len();
        let mut gains = vec![0.0; t];
        // 8 bytes a row at most.
        let most = range.len() / 2;
        let mut all = Some(Vec::new());
        for strip in strips(self.rows, range.clone()) {
            points.near(strip.clone(), &self.distances[strip.clone()], scratch, pulse)?;
            let Scratch { near, distances, nearer, .. } = scratch;
            nearer.resize(distances.len() + 1, Nearer::default());
            let mut found = 0;
            for (&r, distances) in near.iter().zip(distances.chunks_exact(t)) {
                let i = strip.start + r as usize;
                let (nearest, w) = (self.distances[i], self.weight(i));
                for (c, (gain, &distance)) in gains.iter_mut().zip(distances).enumerate() {
                    let lower = distance < nearest;
                    // Not the product of the difference: where products underflow, these two round as in a sum over all rows.
                    *gain += if lower { w * nearest - w * distance } else { 0.0 };
                    // Written always and kept where wanted: a branch would be mispredicted.
                    nearer[found] = Nearer { row: (i - range.start) as u32, candidate: c as u32, distance };
                    found += usize::from(lower);
                }
            }
            all = all.filter(|all: &Vec<Nearer>| all.len() + found <= most);
            if let Some(all) = &mut all {
                all.extend_from_slice(&nearer[..found]);
            }
        }
        Ok((gains, all))
    }

    /// The sum of w min(nearest, D) that each candidate leaves, row by row.
    fn left(&self, points: &Points<'_, F>, run: &Run<'_>) -> Result<Vec<f64>> {
        let t = points.len();
        let tasks = run::ranges(self.rows.n(), self.task_rows(t));
        let parts = run.map_with(tasks, t * self.rows.size(), |scratch, range, pulse| {
            let mut sums = vec![0.0; t];
            for strip in strips(self.rows, range) {
                points.all(strip.clone(), scratch, pulse)?;
                for (i, distances) in strip.zip(scratch.distances.chunks_exact(t)) {
                    let (nearest, w) = (self.distances[i], self.weight(i));
                    for (sum, &distance) in sums.iter_mut().zip(distances) {
                        *sum += w * if distance < nearest { distance } else { nearest };
                    }
                }
            }
            Ok(sums)
        })?;
        let mut sums = vec![0.0; t];
        for part in parts {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        Ok(sums)
    }

    fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[i])
    }

    fn task_rows(&self, targets: usize) -> usize {
        let n = self.rows.n();
        run::rows_per_task(n, 4 * targets * (self.rows.size() / n + 1))
    }
}

/// What a thread needs for a strip of rows.
#[derive(Default)]
struct Scratch<F> {
    lanes: Lanes<F>,
    /// Rows, counted from the first of the strip, ...
    near: Vec<u32>,
    /// ... their values (near, d) ...
    values: Vec<f64>,
    /// ... and their distances (near, t).
    distances: Vec<f64>,
    nearer: Vec<Nearer>,
}

/// Ranges of rows whose values stay in the cache.
fn strips<F: Float>(rows: &Rows<'_, F>, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let length = (STRIP / (rows.size() / rows.n()).max(1)).max(1).next_multiple_of(64);
    range.clone().step_by(length).map(move |from| from..(from + length).min(range.end))
}

/// Drawn rows, prepared for distances from other rows.
struct Points<'a, F> {
    rows: &'a Rows<'a, F>,
    /// (t, d)
    values: Vec<f64>,
    norms: Vec<f64>,
    panel: Panel,
    candidates: Candidates<F>,
    level: Level,
}

impl<'a, F: Float> Points<'a, F> {
    fn new(rows: &'a Rows<'a, F>, chosen: &[usize], level: Level) -> Self {
        let values = rows_as_centers(rows, chosen);
        let norms = norms(&values, rows.d());
        let panel = Panel::new(&values, rows.d(), level);
        let candidates = Candidates::new(&values, rows.d());
        Points { rows, values, norms, panel, candidates, level }
    }

    fn len(&self) -> usize {
        self.norms.len()
    }

    /// Lowers `nearest`, of the rows from row `from` on, to the distances from the only point.
    fn lower(&self, from: usize, nearest: &mut [f64], scratch: &mut Scratch<F>, pulse: &Pulse<'_>) -> Result<()> {
        for strip in strips(self.rows, from..from + nearest.len()) {
            let nearest = &mut nearest[strip.start - from..strip.end - from];
            self.near(strip, nearest, scratch, pulse)?;
            for (&r, &distance) in scratch.near.iter().zip(&scratch.distances) {
                let nearest = &mut nearest[r as usize];
                *nearest = if distance < *nearest { distance } else { *nearest };
            }
        }
        Ok(())
    }

    /// Computes the distances of the rows of `strip` that may be nearer to a point than `nearest` says.
    fn near(&self, strip: Range<usize>, nearest: &[f64], scratch: &mut Scratch<F>, pulse: &Pulse<'_>) -> Result<()> {
        let Rows::Dense(x) = self.rows else { return self.all(strip, scratch, pulse) };
        let Scratch { lanes, near, .. } = scratch;
        self.candidates.scan(x.span(strip.start, strip.end), nearest, near, lanes, self.level);
        self.distances(strip.start, scratch, pulse)
    }

    /// Computes the distances of all rows of `strip`.
    fn all(&self, strip: Range<usize>, scratch: &mut Scratch<F>, pulse: &Pulse<'_>) -> Result<()> {
        scratch.near.clear();
        scratch.near.extend(0..strip.len() as u32);
        self.distances(strip.start, scratch, pulse)
    }

    /// Computes the distances of the listed rows; `from` is the first row of the strip.
    fn distances(&self, from: usize, scratch: &mut Scratch<F>, pulse: &Pulse<'_>) -> Result<()> {
        pulse.check()?;
        let Scratch { near, values, distances, .. } = scratch;
        let d = self.rows.d();
        distances.resize(near.len() * self.len(), 0.0);
        match self.rows {
            Rows::Dense(x) => {
                values.resize(near.len() * d, 0.0);
                for (values, &r) in values.chunks_exact_mut(d).zip(near.iter()) {
                    values.iter_mut().zip(x.row(from + r as usize)).for_each(|(value, x)| *value = x.to_f64());
                }
                self.level.run(Distances { rows: values, panel: &self.panel, out: distances });
            }
            Rows::Csr(_) => {
                for (&r, distances) in near.iter().zip(distances.chunks_exact_mut(self.len())) {
                    pulse.check()?;
                    for ((distance, point), norm) in
                        distances.iter_mut().zip(self.values.chunks_exact(d)).zip(&self.norms)
                    {
                        *distance = inertia::distance(self.rows, from + r as usize, point, *norm);
                    }
                }
            }
        }
        Ok(())
    }
}
