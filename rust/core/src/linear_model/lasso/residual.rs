//! Coordinate descent with a residual that every change updates, and Anderson extrapolation of what the passes come to.
//!
//! For sparse columns, of which a pass reads the stored values only, and for more dense ones than products are kept of. Source:
//! Bertrand and Massias (2021), "Anderson acceleration of coordinate descent". The residual of a centred sparse column changes
//! everywhere; u and rho with r = u - rho * roots change where values are stored, and by one number.

use super::super::cholesky::Cholesky;
use super::super::dot;
use super::design::Design;
use super::objective::Penalty;
use super::working_set::WorkingSet;
use crate::error::Result;
use crate::float::Float;
use crate::kernels::columns::{add_scaled, column_product};
use crate::run::Run;

/// Passes that an extrapolation is made from.
const MEMORY: usize = 5;

/// Multiply-adds between two looks for Ctrl-C.
const CHECKED: usize = 1 << 22;

/// The problem in the columns of a working set.
pub struct ByResidual<'a, 'd, F> {
    /// All columns.
    pub design: &'a Design<'d, F>,
    /// Those in view.
    pub set: &'a WorkingSet,
    /// Of these.
    pub penalty: &'a Penalty,
}

/// Coefficients and what they leave.
#[derive(Clone)]
struct State {
    b: Vec<f64>,
    u: Vec<f64>,
    rho: f64,
}

impl<F: Float> ByResidual<'_, '_, F> {
    /// Improves b (p,), with r (n,) beside it, until the gap of these columns is at most `tol`; returns the passes,
    /// at most `most`, and whether it was reached.
    pub fn solve(&self, b: &mut [f64], r: &mut [f64], tol: f64, most: usize, run: &Run<'_>) -> Result<(usize, bool)> {
        /// Passes between two gaps, each as long as a pass.
        const LOOK: usize = 10;
        let mut state = State { b: b.to_vec(), u: r.to_vec(), rho: 0.0 };
        let mut past: Vec<State> = Vec::with_capacity(MEMORY + 1);
        let (mut passes, mut done) = (0, false);
        while passes < most {
            let changed = self.pass(&mut state, run)?;
            passes += 1;
            if passes % LOOK == 0 || changed == 0.0 {
                let r = self.whole(&state);
                if self.gap(&state, &r, run)? <= tol {
                    done = true;
                    break;
                }
                (state.u, state.rho) = (r, 0.0);
                if changed == 0.0 && passes > LOOK {
                    break; // rounding
                }
            }
            past.push(state.clone());
            if past.len() > MEMORY {
                if let Some(better) = self.extrapolated(&past) {
                    state = better;
                }
                past.clear();
            }
        }
        b.copy_from_slice(&state.b);
        r.copy_from_slice(&self.whole(&state));
        Ok((passes, done))
    }

    /// z . r of the column at a place.
    fn product(&self, place: usize, state: &State) -> f64 {
        if self.design.is_sparse() {
            let f = self.set.columns[place];
            // The roots of the weights times a column add up to its mean times n.
            self.design.sparse_product(f, &state.u) - state.rho * self.design.mean(f) * self.design.n as f64
        } else {
            column_product(self.set.column(place), 0.0, &state.u)
        }
    }

    /// One pass; returns the largest change of what a column contributes.
    fn pass(&self, state: &mut State, run: &Run<'_>) -> Result<f64> {
        let (mut most, mut since) = (0.0_f64, 0);
        for (place, &f) in self.set.columns.iter().enumerate() {
            let square = self.design.squares[f];
            if square == 0.0 {
                continue;
            }
            let old = state.b[place];
            let best = self.penalty.best(place, self.product(place, state) + square * old, square);
            let delta = best - old;
            if self.design.is_sparse() {
                let (rows, values) = self.design.sparse_column(f);
                since += rows.len();
                if delta != 0.0 {
                    rows.iter().zip(values).for_each(|(&i, z)| state.u[i as usize] -= delta * z);
                    state.rho -= delta * self.design.mean(f);
                }
            } else {
                since += self.design.n;
                if delta != 0.0 {
                    add_scaled(&mut state.u, -delta, self.set.column(place));
                }
            }
            if since > CHECKED {
                run.check()?;
                since = 0;
            }
            state.b[place] = best;
            most = most.max(delta.abs() * square.sqrt());
        }
        run.check()?;
        Ok(most)
    }

    /// r of a state.
    fn whole(&self, state: &State) -> Vec<f64> {
        let mut r = state.u.clone();
        match &self.design.roots {
            _ if state.rho == 0.0 => {}
            Some(roots) => r.iter_mut().zip(roots).for_each(|(r, root)| *r -= state.rho * root),
            None => r.iter_mut().for_each(|r| *r -= state.rho),
        }
        r
    }

    /// The duality gap of these columns.
    fn gap(&self, state: &State, r: &[f64], run: &Run<'_>) -> Result<f64> {
        run.check()?;
        let whole = State { b: Vec::new(), u: r.to_vec(), rho: 0.0 };
        let q: Vec<f64> = (0..self.set.len()).map(|place| self.product(place, &whole)).collect();
        Ok(self.penalty.gap(&state.b, &q, dot(r, r), |place| self.design.scale[self.set.columns[place]]))
    }

    fn objective(&self, state: &State) -> f64 {
        let r = self.whole(state);
        let of = |(j, b): (usize, &f64)| self.penalty.l1[j] * b.abs() + 0.5 * self.penalty.l2[j] * b * b;
        0.5 * dot(&r, &r) + state.b.iter().enumerate().filter(|(_, b)| **b != 0.0).map(of).sum::<f64>()
    }

    /// The combination of the last states whose differences cancel best, where its objective is lower than the last one's.
    fn extrapolated(&self, past: &[State]) -> Option<State> {
        let differences: Vec<Vec<f64>> = past
            .windows(2)
            .map(|pair| pair[1].b.iter().zip(&pair[0].b).map(|(new, old)| new - old).collect())
            .collect();
        let m = differences.len();
        let mut matrix = vec![0.0; m * m];
        for i in 0..m {
            for j in 0..m {
                matrix[i * m + j] = dot(&differences[i], &differences[j]);
            }
        }
        let trace: f64 = (0..m).map(|i| matrix[i * m + i]).sum();
        (0..m).for_each(|i| matrix[i * m + i] += 1e-12 * trace);
        let mut shares = vec![1.0; m];
        Cholesky::new(&matrix, m)?.solve(&mut shares);
        let sum: f64 = shares.iter().sum();
        if !(sum.is_finite() && sum != 0.0) {
            return None;
        }
        let mut found = State { b: vec![0.0; past[0].b.len()], u: vec![0.0; past[0].u.len()], rho: 0.0 };
        for (share, state) in shares.iter().zip(&past[1..]) {
            let share = share / sum;
            add_scaled(&mut found.b, share, &state.b);
            add_scaled(&mut found.u, share, &state.u);
            found.rho += share * state.rho;
        }
        if self.penalty.positive && found.b.iter().any(|&b| b < 0.0) {
            return None;
        }
        (self.objective(&found) < self.objective(&past[m])).then_some(found)
    }
}
