//! Coordinate descent on products of columns, with steps of Newton's method on the coefficients that are not zero.
//!
//! Friedman, Hastie and Tibshirani (2010), "Regularization paths for generalized linear models via coordinate descent": its
//! covariance updates. A pass costs p multiplications for each coefficient that changes. It soon finds which ones are zero, and
//! then crawls where columns are correlated; where the signs are right the minimum is one linear system away. Such steps are
//! taken whenever passes have cost as much as one does, each to the lowest point on its line, and kept if the objective falls
//! (Lee, Battle, Raina and Ng 2006, "Efficient sparse coding algorithms": its feature-sign search).

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

    /// Improves b (p,), with q = Z^T r (p,) beside it, until the gap is at most `tol`; returns the passes and steps, at most `most`.
    pub fn solve(&self, b: &mut [f64], q: &mut [f64], tol: f64, most: usize, run: &Run<'_>) -> Result<usize> {
        /// So many coefficients that a step costs nothing beside what calls cost, and less than a few passes.
        const NO_COST: usize = 8;
        const LITTLE_COST: usize = 32;
        /// Minima for the signs as they are that leave the gap as it is: what is left is rounding of q.
        const STUCK: usize = 5;
        let p = b.len();
        let (mut spent, mut patience, mut arrived) = (0_usize, 1, false);
        // Without absolute values nothing is to be found out first.
        let smooth = !self.penalty.positive && self.penalty.l1.iter().all(|&l1| l1 == 0.0);
        let mut passes = 0;
        let (mut least, mut stuck) = (f64::INFINITY, 0);
        while passes < most {
            if passes > 0 {
                let gap = self.gap(b, q);
                stuck = if gap < 0.9 * least { 0 } else { stuck + usize::from(arrived) };
                least = least.min(gap);
                if gap <= tol || stuck > STUCK {
                    return Ok(passes);
                }
            }
            run.check()?;
            spent += p + self.pass(b, q) * p;
            let first = passes == 0;
            passes += 1;
            arrived = false;
            let support = b.iter().filter(|&&b| b != 0.0).count();
            // A multiplication in a factorisation is a few times cheaper than in a pass.
            let factoring = support * support * support / 12 + support * support * 4 + support * p;
            let cheap = smooth || support <= if first { NO_COST } else { LITTLE_COST };
            if passes < most && (cheap && patience == 1 || !first && spent >= patience * factoring) {
                let (steps, ended) = self.newton(b, q, most - passes, run)?;
                arrived = ended;
                patience = if steps > 0 { 1 } else { (patience * 2).min(16) };
                passes += steps;
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

    /// Steps to the minimum for the signs as they are, until none of them changes; how many, and whether they came there.
    fn newton(&self, b: &mut [f64], q: &mut [f64], most: usize, run: &Run<'_>) -> Result<(usize, bool)> {
        /// Steps without a pass between them.
        const STEPS: usize = 20;
        for step in 0..STEPS.min(most) {
            run.check()?;
            match self.step(b, q) {
                Stepped::Not => return Ok((step, false)),
                Stepped::Arrived => return Ok((step + 1, true)),
                Stepped::OnTheWay => {}
            }
        }
        Ok((STEPS.min(most), false))
    }

    /// One of those steps: Newton's direction, to the lowest point on it or, if that is lower, all the way with zeros where
    /// signs would change.
    fn step(&self, b: &mut [f64], q: &mut [f64]) -> Stepped {
        let support: Vec<usize> = (0..b.len()).filter(|&j| b[j] != 0.0).collect();
        let Some(direction) = self.direction(&support, b, q) else { return Stepped::Not };
        let moved = self.moved(&support, &direction);
        let length = self.lowest(&support, &direction, &moved, b, q);
        let before: Vec<f64> = support.iter().map(|&j| b[j]).collect();
        // A coefficient at which the lowest point lies is zero, not nearly so.
        let end = |from: f64, step: f64| if (from + step).abs() <= 1e-14 * from.abs() { 0.0 } else { from + step };
        let exact: Vec<f64> = before.iter().zip(&direction).map(|(&from, step)| end(from, length * step)).collect();
        let crossed = before.iter().zip(&exact).any(|(from, to)| from * to <= 0.0);
        let mut best = self.change(&support, exact, b, q);
        if crossed {
            let clipped = |(from, step): (&f64, &f64)| if from * (from + step) <= 0.0 { 0.0 } else { from + step };
            let other = self.change(&support, before.iter().zip(&direction).map(clipped).collect(), b, q);
            if other.fall > best.fall {
                best = other;
            }
        }
        // Where no sign changes the step ends at the minimum: a rise that is rounding is none.
        if !(best.fall > 0.0 || (!crossed && best.fall > -1e-13 * self.total)) {
            return Stepped::Not;
        }
        support.iter().zip(best.ends).for_each(|(&j, end)| b[j] = end);
        q.iter_mut().zip(best.moved).for_each(|(q, moved)| *q -= moved);
        if crossed { Stepped::OnTheWay } else { Stepped::Arrived }
    }

    /// Newton's direction for the signs as they are, (m,) for a support of m.
    fn direction(&self, support: &[usize], b: &[f64], q: &[f64]) -> Option<Vec<f64>> {
        /// Added to squares of one where columns depend on each other.
        const RIDGE: f64 = 1e-10;
        let m = support.len();
        if m == 0 {
            return None;
        }
        let mut matrix = vec![0.0; m * m];
        for (to, &j) in matrix.chunks_exact_mut(m).zip(support) {
            let row = self.row(j);
            to.iter_mut().zip(support).for_each(|(to, &k)| *to = row[k]);
        }
        (0..m).for_each(|i| matrix[i * m + i] += self.penalty.l2[support[i]]);
        let roots: Vec<f64> = (0..m).map(|i| matrix[i * m + i].sqrt()).collect();
        for (i, row) in matrix.chunks_exact_mut(m).enumerate() {
            row.iter_mut().zip(&roots).for_each(|(value, root)| *value /= roots[i] * root);
        }
        let factor = Cholesky::new(&matrix, m).or_else(|| {
            (0..m).for_each(|i| matrix[i * m + i] += RIDGE);
            Cholesky::new(&matrix, m)
        })?;
        let mut step: Vec<f64> = support.iter().zip(&roots).map(|(&j, root)| self.downhill(j, b, q) / root).collect();
        factor.solve(&mut step);
        step.iter_mut().zip(&roots).for_each(|(step, root)| *step /= root);
        step.iter().all(|step| step.is_finite()).then_some(step)
    }

    /// Minus the derivative by a coefficient that is not zero.
    fn downhill(&self, j: usize, b: &[f64], q: &[f64]) -> f64 {
        q[j] - self.penalty.l2[j] * b[j] - self.penalty.l1[j] * b[j].signum()
    }

    /// What a step changes q by, (p,).
    fn moved(&self, support: &[usize], step: &[f64]) -> Vec<f64> {
        let mut moved = vec![0.0; self.cross.len()];
        support.iter().zip(step).for_each(|(&j, &step)| add_scaled(&mut moved, step, self.row(j)));
        moved
    }

    /// How far to go for the lowest point on a line: on it the objective is a parabola between the points where coefficients change
    /// their sign, and its slope jumps there.
    fn lowest(&self, support: &[usize], direction: &[f64], moved: &[f64], b: &[f64], q: &[f64]) -> f64 {
        let (mut down, mut curvature) = (0.0, 0.0);
        let mut kinks: Vec<(f64, f64)> = Vec::new();
        for (&j, &step) in support.iter().zip(direction) {
            down += step * self.downhill(j, b, q);
            curvature += step * (moved[j] + self.penalty.l2[j] * step);
            if step * b[j] < 0.0 {
                let jump = if self.penalty.positive { f64::INFINITY } else { 2.0 * self.penalty.l1[j] * step.abs() };
                kinks.push((-b[j] / step, jump));
            }
        }
        kinks.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let free = |down: f64| if curvature > 0.0 { down / curvature } else { 1.0 };
        for (at, jump) in kinks {
            if at >= free(down) {
                break;
            }
            down -= jump;
            if at >= free(down) {
                return at;
            }
        }
        free(down)
    }

    /// What the objective falls by if the coefficients of the support become `ends`.
    fn change(&self, support: &[usize], ends: Vec<f64>, b: &[f64], q: &[f64]) -> Change {
        let step: Vec<f64> = support.iter().zip(&ends).map(|(&j, end)| end - b[j]).collect();
        let moved = self.moved(support, &step);
        let one = |((&j, end), step): ((&usize, &f64), &f64)| {
            let square = self.penalty.l2[j] * step * (b[j] + 0.5 * step);
            self.penalty.l1[j] * (end.abs() - b[j].abs()) - q[j] * step + square + 0.5 * moved[j] * step
        };
        let fall = -support.iter().zip(&ends).zip(&step).map(one).sum::<f64>();
        Change { ends, moved, fall }
    }
}

/// How a step of Newton's method ended.
enum Stepped {
    /// No lower point was found.
    Not,
    /// Signs changed: the minimum for the new ones is another.
    OnTheWay,
    /// At the minimum for the signs as they are.
    Arrived,
}

/// A step that may be taken.
struct Change {
    /// (m,)
    ends: Vec<f64>,
    /// (p,)
    moved: Vec<f64>,
    fall: f64,
}
