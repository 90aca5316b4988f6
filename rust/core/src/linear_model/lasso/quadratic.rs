//! Coordinate descent on products of columns, with steps of Newton's method on the coefficients that are not zero.
//!
//! Friedman, Hastie and Tibshirani (2010), "Regularization paths for generalized linear models via coordinate descent": its
//! covariance updates. A pass costs p multiplications for each coefficient that changes. It soon finds which ones are zero, and
//! then crawls where columns are correlated; where the signs are right the minimum is one linear system away. Such a step is
//! taken whenever passes have cost as much as it does, and kept if the objective falls.

use super::super::cholesky::Cholesky;
use super::objective::Penalty;
use crate::error::Result;
use crate::kernels::columns::add_scaled;
use crate::run::Run;

/// The problem in p columns.
pub struct Quadratic<'a> {
    /// (p, p) in rows of `stride`.
    pub gram: &'a [f64],
    /// Values from row to row.
    pub stride: usize,
    /// Of these columns.
    pub penalty: &'a Penalty,
    /// ||y||^2
    pub total: f64,
    /// (p,), Z^T y
    pub cross: &'a [f64],
    /// (p,), what the columns were multiplied by.
    pub units: &'a [f64],
}

impl Quadratic<'_> {
    fn row(&self, j: usize) -> &[f64] {
        &self.gram[j * self.stride..][..self.cross.len()]
    }

    /// The duality gap of these columns.
    pub fn gap(&self, b: &[f64], q: &[f64]) -> f64 {
        let explained: f64 = b.iter().zip(q).zip(self.cross).map(|((b, q), c)| b * (q + c)).sum();
        self.penalty.gap(b, q, (self.total - explained).max(0.0), |j| self.units[j])
    }

    /// Improves b (p,), with q = Z^T r (p,) beside it, until the gap is at most `tol`; returns the passes, at most `most`.
    pub fn solve(&self, b: &mut [f64], q: &mut [f64], tol: f64, most: usize, run: &Run<'_>) -> Result<usize> {
        /// So many coefficients that a step costs nothing beside what calls cost, and less than a few passes.
        const NO_COST: usize = 8;
        const LITTLE_COST: usize = 32;
        let p = b.len();
        let (mut spent, mut patience) = (0_usize, 1);
        // Without absolute values nothing is to be found out first.
        let smooth = !self.penalty.positive && self.penalty.l1.iter().all(|&l1| l1 == 0.0);
        for pass in 0..most {
            if pass > 0 && self.gap(b, q) <= tol {
                return Ok(pass);
            }
            run.check()?;
            spent += p + self.pass(b, q) * p;
            let support = b.iter().filter(|&&b| b != 0.0).count();
            // A multiplication in a factorisation is a few times cheaper than in a pass.
            let factoring = support * support * support / 12 + support * support * 4 + support * p;
            let cheap = smooth || support <= if pass == 0 { NO_COST } else { LITTLE_COST };
            if cheap && patience == 1 || pass >= 1 && spent >= patience * factoring {
                patience = if self.newton(b, q) { 1 } else { (patience * 2).min(16) };
                spent = 0;
            }
        }
        Ok(most)
    }

    /// One pass over all coefficients; returns how many changed.
    fn pass(&self, b: &mut [f64], q: &mut [f64]) -> usize {
        let mut changed = 0;
        for j in 0..b.len() {
            let row = self.row(j);
            let square = row[j];
            if square + self.penalty.l2[j] <= 0.0 {
                continue;
            }
            let best = self.penalty.best(j, q[j] + square * b[j], square);
            if best != b[j] {
                add_scaled(q, b[j] - best, row);
                b[j] = best;
                changed += 1;
            }
        }
        changed
    }

    /// A step to the minimum for the signs as they are; coefficients that would change theirs become zero. Whether it was taken.
    fn newton(&self, b: &mut [f64], q: &mut [f64]) -> bool {
        let p = b.len();
        let support: Vec<usize> = (0..p).filter(|&j| b[j] != 0.0).collect();
        let m = support.len();
        if m == 0 {
            return false;
        }
        let mut matrix = vec![0.0; m * m];
        for (to, &j) in matrix.chunks_exact_mut(m).zip(&support) {
            let row = self.row(j);
            to.iter_mut().zip(&support).for_each(|(to, &k)| *to = row[k]);
        }
        (0..m).for_each(|i| matrix[i * m + i] += self.penalty.l2[support[i]]);
        let roots: Vec<f64> = (0..m).map(|i| matrix[i * m + i].sqrt()).collect();
        for (i, row) in matrix.chunks_exact_mut(m).enumerate() {
            row.iter_mut().zip(&roots).for_each(|(value, root)| *value /= roots[i] * root);
        }
        let Some(factor) = Cholesky::new(&matrix, m) else { return false };
        let l1 = |j: usize| self.penalty.l1[j];
        let mut step: Vec<f64> = support
            .iter()
            .zip(&roots)
            .map(|(&j, root)| (q[j] - self.penalty.l2[j] * b[j] - l1(j) * b[j].signum()) / root)
            .collect();
        factor.solve(&mut step);
        step.iter_mut().zip(&roots).for_each(|(step, root)| *step /= root);
        if step.iter().any(|step| !step.is_finite()) {
            return false;
        }
        // All the way, with zeros where signs would change; else as far as the first of these, which becomes zero.
        let (mut first, mut blocking) = (1.0_f64, m);
        for (i, &j) in support.iter().enumerate() {
            if (b[j] + step[i]) * b[j] < 0.0 && -b[j] / step[i] < first {
                (first, blocking) = (-b[j] / step[i], i);
            }
        }
        for length in if first < 1.0 { vec![1.0, first] } else { vec![1.0] } {
            let mut moved = vec![0.0; p];
            let mut ends = vec![0.0; m];
            let mut change = 0.0;
            for (i, &j) in support.iter().enumerate() {
                let end = b[j] + length * step[i];
                let crosses = end * b[j] <= 0.0 || (length < 1.0 && i == blocking);
                ends[i] = if crosses { 0.0 } else { end };
                let delta = ends[i] - b[j];
                add_scaled(&mut moved, delta, self.row(j));
                change += l1(j) * (ends[i].abs() - b[j].abs()) - q[j] * delta;
                change += self.penalty.l2[j] * (b[j] * delta + 0.5 * delta * delta);
            }
            change += support.iter().zip(&ends).map(|(&j, end)| 0.5 * moved[j] * (end - b[j])).sum::<f64>();
            // Where no sign changes the step ends at the minimum: a rise that is rounding is none.
            if change < 0.0 || (blocking == m && change < 1e-13 * self.total) {
                support.iter().zip(ends).for_each(|(&j, end)| b[j] = end);
                q.iter_mut().zip(moved).for_each(|(q, moved)| *q -= moved);
                return true;
            }
        }
        false
    }
}
