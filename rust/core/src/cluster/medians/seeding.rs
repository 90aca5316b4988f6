//! Greedy k-means++ by Manhattan distance: rows are drawn in proportion to their distance, not to its square.
//!
//! Distances are the kernel's sums in the rows' own type: the same bits everywhere, and near enough to draw by.

use crate::cluster::seeding::{Potential, rows_as_centers};
use crate::error::Result;
use crate::float::Float;
use crate::kernels::nearest_manhattan::{Codebook, Lanes, Sums};
use crate::kernels::simd::Level;
use crate::rows::{Dense, Rows};
use crate::run::{self, Run};

/// Sums of other orders of the rows differ by less than this share.
const ROUNDING: f64 = 1e-12;
/// Rows that are worked on at a time.
const STRIP: usize = 1024;

/// Every row's distance to its nearest centre.
pub struct Nearest<'a, F: Float> {
    rows: &'a Dense<'a, F>,
    weights: Option<&'a [f64]>,
    level: Level,
    /// Finite, also where sums overflow.
    distances: Vec<f64>,
}

impl<'a, F: Float> Nearest<'a, F> {
    /// No centre yet.
    pub fn new(rows: &'a Dense<'a, F>, weights: Option<&'a [f64]>, level: Level) -> Self {
        Nearest { rows, weights, level, distances: vec![F::NORM_LIMIT; rows.n()] }
    }
}

impl<F: Float> Potential for Nearest<'_, F> {
    fn distances(&self) -> &[f64] {
        &self.distances
    }

    fn add(&mut self, center: usize, run: &Run<'_>) -> Result<()> {
        self.add_best(&[center], f64::INFINITY, run).map(drop)
    }

    /// The candidate that leaves the lowest sum, the first of those that differ by no more than rounding.
    fn add_best(&mut self, candidates: &[usize], _: f64, run: &Run<'_>) -> Result<usize> {
        let &mut Nearest { rows, weights, level, ref mut distances } = self;
        let (n, d, t) = (rows.n(), rows.d(), candidates.len());
        let codebook = Codebook::<F>::new(rows_as_centers(&Rows::Dense(*rows), candidates), d, level);
        let work = n.saturating_mul(3 * d * t);
        let length = run::rows_per_task(n, 3 * d * t);
        let nearest = &*distances;
        let parts = run.map_with(run::ranges(n, length), work, |lanes: &mut Lanes<F>, range, pulse| {
            let (mut left, mut sums) = (vec![0.0; t], vec![F::default(); range.len() * t]);
            for (strip, sums) in run::ranges(range.len(), STRIP).into_iter().zip(sums.chunks_mut(STRIP * t)) {
                pulse.check()?;
                let strip = range.start + strip.start..range.start + strip.end;
                level.run(Sums { rows: rows.span(strip.start, strip.end), codebook: &codebook, out: sums, lanes });
                for (i, sums) in strip.zip(sums.chunks_exact(t)) {
                    let w = weights.map_or(1.0, |w| w[i]);
                    left.iter_mut().zip(sums).for_each(|(left, sum)| *left += w * nearest[i].min(sum.to_f64()));
                }
            }
            Ok((left, sums))
        })?;
        let mut left = vec![0.0; t];
        for (part, _) in &parts {
            left.iter_mut().zip(part).for_each(|(left, part)| *left += part);
        }
        let best = (1..t).fold(0, |best, c| if left[c] < left[best] * (1.0 - ROUNDING) { c } else { best });
        for (nearest, (_, sums)) in distances.chunks_mut(length).zip(parts) {
            let sums = sums.iter().skip(best).step_by(t);
            nearest.iter_mut().zip(sums).for_each(|(nearest, sum)| *nearest = nearest.min(sum.to_f64()));
        }
        Ok(best)
    }
}
