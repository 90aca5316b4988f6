//! Newton's method with a line search that costs no pass over the rows.

use super::conjugate::Conjugate;
use super::design::Design;
use super::reweighted::{MOST, Reweighted};
use super::{Fit, Loss, Problem, Rules, Terms};
use crate::error::{Error, Result};
use crate::float::Float;
use crate::linear_model::normal::{Frame, blame};
use crate::linear_model::{add_scaled, dot, least_squares};
use crate::rows::Rows;
use crate::run::Run;

/// Weights and what the rows say at them. Columns are measured from the frame's shift, and so is the intercept.
struct State {
    /// (d + intercept,)
    weights: Vec<f64>,
    /// (n,), the linear predictor.
    eta: Vec<f64>,
    /// (n,), times the rows' weights.
    curvature: Vec<f64>,
    /// (d + intercept,)
    gradient: Vec<f64>,
    objective: f64,
    /// Of the terms that the objective adds up.
    size: f64,
}

impl State {
    fn finite(&self) -> bool {
        self.objective.is_finite() && self.gradient.iter().all(|g| g.is_finite())
    }
}

/// A Hessian, ready to be solved with.
enum Hessian {
    Factored(Reweighted),
    Products(Conjugate),
}

/// Minimises from the best of `starts`: weights (d,) and intercept in the user's units.
pub fn fit<F: Float, L: Loss>(
    problem: &Problem<'_, F, L>,
    starts: &[(&[f64], f64)],
    rules: Rules,
    run: &Run<'_>,
) -> Result<Fit> {
    problem.check()?;
    let frame = Frame::new(problem.rows, &[], problem.intercept);
    let solver = Solver::new(problem, &frame, run)?;
    let mut best: Option<State> = None;
    for (coef, intercept) in starts {
        let mut weights = coef.to_vec();
        if problem.intercept {
            weights.push(intercept + dot(coef, &frame.shift));
        }
        let state = solver.evaluate(weights, run)?;
        let better = best.as_ref().is_none_or(|best| !best.finite() || state.objective < best.objective);
        if better {
            best = Some(state);
        }
    }
    let Some(state) = best else { return Err(Error::Value("a fit needs a start".into())) };
    if let Some(f) = state.gradient.iter().position(|g| !g.is_finite()) {
        return Err(blame(problem.rows, f));
    }
    solver.minimise(state, rules, run)
}

/// The coordinate in which a step changes the linear predictor most.
fn farthest(step: &[f64], unit: &[f64]) -> usize {
    let far = |f: &usize| step[*f].abs() / unit[*f].max(f64::MIN_POSITIVE);
    (0..step.len()).max_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
}

struct Solver<'a, F, L> {
    problem: &'a Problem<'a, F, L>,
    frame: &'a Frame,
    design: Design<'a, F>,
    /// Of the rows' weights.
    total: f64,
    /// Whether products of columns are formed.
    few: bool,
}

impl<'a, F: Float, L: Loss> Solver<'a, F, L> {
    fn new(problem: &'a Problem<'a, F, L>, frame: &'a Frame, run: &Run<'_>) -> Result<Self> {
        /// Columns of which sparse rows' products are formed: d^3 soon outgrows what few stored values cost.
        const FEW_SPARSE: usize = 500;
        /// Columns of which products are formed even where rows are fewer.
        const FEW: usize = 300;
        let (n, d) = (problem.rows.n(), problem.rows.d());
        let few = match problem.rows {
            Rows::Dense(_) => d <= FEW || d <= MOST.min(2 * n),
            Rows::Csr(_) => d <= FEW_SPARSE,
        };
        let design = Design::new(problem.rows, &frame.shift, run)?;
        let total = problem.weights.map_or(n as f64, |weights| weights.iter().sum());
        Ok(Solver { problem, frame, design, total, few })
    }

    fn weight(&self, i: usize) -> f64 {
        self.problem.weights.map_or(1.0, |weights| weights[i])
    }

    fn minimise(&self, mut state: State, rules: Rules, run: &Run<'_>) -> Result<Fit> {
        /// Changes of the linear predictor beyond which the last Hessian does not certify the next gradient.
        const NEAR: f64 = 0.5;
        /// A decrease beside the size of the losses that counts as none, however far the weights still go.
        const NOTHING: f64 = 1e-8;
        /// A decrease that rounding hides.
        const HIDDEN: f64 = 1e-14;
        /// So many such steps, one after the other, go to infinity.
        const MARCH: usize = 3;
        let (mut hessian, mut unit, mut first_unit) = (None, Vec::new(), Vec::new());
        let (mut n_iter, mut moved, mut marching, mut wide, mut singular) = (0, f64::INFINITY, 0, false, false);
        let (mut converged, mut diverged, mut last) = (false, None, Vec::new());
        let free = self.problem.alpha == 0.0;
        loop {
            let mut relative = self.relative(&state, &unit);
            if moved <= NEAR && relative <= rules.gradient {
                converged = true;
                break;
            }
            // With curvatures that have changed by so little the next gradient is expected to be small enough.
            let serves = hessian.is_some() && moved * relative <= 0.1 * rules.gradient;
            let fresh = !serves;
            if fresh {
                let found = self.hessian(&state, &mut wide, run)?;
                unit = self.units(&found);
                if first_unit.is_empty() {
                    first_unit.clone_from(&unit);
                }
                relative = self.relative(&state, &unit);
                hessian = Some(found);
            }
            if relative <= rules.gradient && moved <= NEAR || relative == 0.0 {
                converged = true;
                break;
            }
            if n_iter == rules.max_iter {
                break;
            }
            let dependent = matches!(&hessian, Some(Hessian::Factored(found)) if found.singular);
            // Columns that came to depend on each other on the way: the curvature that told them apart has gone.
            if free && dependent && n_iter > 0 && !singular && moved > NEAR {
                diverged = Some(farthest(&last, &first_unit));
                break;
            }
            singular |= dependent;
            let step = match &hessian {
                Some(Hessian::Factored(found)) => found.step(&state.gradient),
                Some(Hessian::Products(found)) => {
                    found.step(&self.design, &state.gradient, relative.sqrt().clamp(1e-3, 0.1), run)?
                }
                None => break,
            };
            let fall = -dot(&state.gradient, &step);
            let Some(next) = self.search(&state, &step, fall, run)? else {
                // Once more, with all digits and the curvatures as they are.
                if self.few && !(wide && fresh) {
                    (wide, hessian) = (true, None);
                    continue;
                }
                // Rounding hides the descent: the objective is as low as it can be seen to be.
                converged = fall <= HIDDEN * state.size;
                break;
            };
            n_iter += 1;
            moved = self.moved(&state, &next);
            marching = if fall <= NOTHING * self.problem.size && moved > NEAR { marching + 1 } else { 0 };
            state = next;
            last = step;
            let far = farthest(&last, &first_unit);
            // A penalty holds all but the intercept.
            if marching == MARCH && (free || far == self.problem.rows.d()) {
                diverged = Some(far);
                break;
            }
        }
        if free && diverged.is_none() && singular {
            self.shorten(&mut state, &unit, rules, run)?;
        }
        Ok(self.finish(state, &unit, n_iter, converged, diverged))
    }

    /// The objective, its gradient and the rows' curvatures, in one pass.
    fn evaluate(&self, weights: Vec<f64>, run: &Run<'_>) -> Result<State> {
        let Problem { targets, loss, alpha, .. } = *self.problem;
        let (n, d) = (self.problem.rows.n(), self.problem.rows.d());
        let (mut eta, mut curvature) = (vec![0.0; n], vec![0.0; n]);
        let constant = weights.get(d).copied().unwrap_or(0.0);
        let each = |i: usize, u: f64, [eta, curvature]: [&mut f64; 2]| {
            *eta = u;
            let s = self.weight(i);
            if s == 0.0 {
                return (0.0, [0.0; 2]);
            }
            let terms = loss.at(targets[i], u);
            *curvature = s * terms.curvature;
            (s * terms.slope, [s * terms.value, s * terms.size])
        };
        let sums = self.design.pass(&weights[..d], constant, [&mut eta, &mut curvature], each, run)?;
        let mut gradient: Vec<f64> =
            sums.columns.iter().zip(&weights).map(|(sum, w)| sum / self.total + alpha * w).collect();
        if self.problem.intercept {
            gradient.push(sums.ones / self.total);
        }
        let penalty = 0.5 * alpha * dot(&weights[..d], &weights[..d]);
        let objective = sums.others[0] / self.total + penalty;
        let size = sums.others[1] / self.total + penalty;
        Ok(State { weights, eta, curvature, gradient, objective, size })
    }

    fn hessian(&self, state: &State, wide: &mut bool, run: &Run<'_>) -> Result<Hessian> {
        let Problem { rows, alpha, intercept, .. } = *self.problem;
        if self.few {
            let h = &state.curvature;
            if let Some(found) = Reweighted::new(rows, self.frame, h, self.total, alpha, wide, run)? {
                return Ok(Hessian::Factored(found));
            }
        }
        // Without a penalty, and with fewer rows than columns, weights stay combinations of rows, which are the shortest.
        let preconditioned = alpha > 0.0 || rows.n() > rows.d();
        Conjugate::new(&self.design, &state.curvature, self.total, alpha, intercept, preconditioned, run)
            .map(Hessian::Products)
    }

    /// (d + intercept,), one over the roots of the Hessian's diagonal; zero where that is.
    fn units(&self, hessian: &Hessian) -> Vec<f64> {
        match hessian {
            Hessian::Factored(found) => found.unit.clone(),
            Hessian::Products(found) => {
                let columns = found.diagonal.iter().map(|h| h + self.problem.alpha);
                let ones = self.problem.intercept.then_some(found.mean());
                let unit = |h: f64| if h > 0.0 { h.sqrt().recip() } else { 0.0 };
                columns.chain(ones).map(unit).collect()
            }
        }
    }

    /// See [`Fit::gradient`].
    fn relative(&self, state: &State, unit: &[f64]) -> f64 {
        let mean = state.curvature.iter().sum::<f64>() / self.total;
        if unit.is_empty() || mean == 0.0 {
            return f64::INFINITY;
        }
        let most = state.gradient.iter().zip(unit).map(|(g, unit)| (g * unit).abs()).fold(0.0, f64::max);
        most / mean.sqrt()
    }

    /// The largest change of the linear predictor of a row that counts.
    fn moved(&self, from: &State, to: &State) -> f64 {
        let both = from.eta.iter().zip(&to.eta).enumerate();
        both.filter(|(i, _)| self.weight(*i) > 0.0).map(|(_, (a, b))| (a - b).abs()).fold(0.0, f64::max)
    }

    /// The state after `step`, or after a part of it where the whole does not lower the objective by a part of `fall`; nothing
    /// where no part does. What a part does follows from the linear predictors, without a pass over the rows.
    fn search(&self, from: &State, step: &[f64], fall: f64, run: &Run<'_>) -> Result<Option<State>> {
        /// Of the decrease that the slope promises.
        const ENOUGH: f64 = 1e-4;
        /// Halvings: from 1e300 to 1.
        const MOST_HALVINGS: usize = 1000;
        /// Rounding errors of the objective, beside its terms.
        const ROUNDING: f64 = 8.0 * f64::EPSILON;
        let Problem { targets, loss, alpha, rows, .. } = *self.problem;
        let d = rows.d();
        if !fall.is_finite() || fall <= 0.0 {
            return Ok(None);
        }
        let at = |t: f64| {
            let mut weights = from.weights.clone();
            add_scaled(&mut weights, t, step);
            self.evaluate(weights, run)
        };
        let noise = ROUNDING * from.size;
        let whole = at(1.0)?;
        if whole.objective <= from.objective - ENOUGH * fall + noise && whole.finite() {
            let hidden = ENOUGH * fall <= noise;
            // Where rounding hides the decrease, the slope along the step must have become less steep.
            return Ok((!hidden || dot(&whole.gradient, step).abs() <= 0.9 * fall).then_some(whole));
        }
        let (lengths, products) = (dot(&step[..d], &step[..d]), dot(&step[..d], &from.weights[..d]));
        // Not the difference of the predictors where that is infinite.
        let mut way = vec![0.0; from.eta.len()];
        let constant = step.get(d).copied().unwrap_or(0.0);
        let each = |_: usize, u: f64, [way]: [&mut f64; 1]| {
            *way = u;
            (0.0, [0.0; 2])
        };
        self.design.pass(&step[..d], constant, [&mut way], each, run)?;
        let mut t = 1.0;
        for _ in 0..MOST_HALVINGS {
            t *= 0.5;
            run.check()?;
            let mut sum = 0.0;
            for (i, (eta, way)) in from.eta.iter().zip(&way).enumerate() {
                let s = self.weight(i);
                if s > 0.0 {
                    let Terms { value, .. } = loss.at(targets[i], eta + t * way);
                    sum += s * value;
                }
            }
            let penalty =
                0.5 * alpha * (dot(&from.weights[..d], &from.weights[..d]) + t * (2.0 * products + t * lengths));
            if sum / self.total + penalty <= from.objective - ENOUGH * t * fall {
                let found = at(t)?;
                return Ok(found.finite().then_some(found));
            }
            if t * fall <= noise {
                break;
            }
        }
        Ok(None)
    }

    /// Of the weights that give the same linear predictors, those of least norm, where the gradient bears them out.
    fn shorten(&self, state: &mut State, unit: &[f64], rules: Rules, run: &Run<'_>) -> Result<()> {
        let Problem { rows, weights, intercept, .. } = *self.problem;
        let d = rows.d();
        let short = least_squares::fit(rows, &state.eta, 1, weights, intercept, run)?;
        let mut found = short.coef;
        if intercept {
            found.push(short.intercept[0] + dot(&found, &self.frame.shift));
        }
        let found = self.evaluate(found, run)?;
        let bearable = self.relative(&found, unit) <= rules.gradient.max(10.0 * self.relative(state, unit));
        let length = |state: &State| dot(&state.weights[..d], &state.weights[..d]);
        if bearable && length(&found) < length(state) {
            *state = found;
        }
        Ok(())
    }

    fn finish(&self, state: State, unit: &[f64], n_iter: usize, converged: bool, diverged: Option<usize>) -> Fit {
        let gradient = self.relative(&state, unit);
        let mut coef = state.weights;
        let intercept = coef.split_off(self.problem.rows.d());
        let intercept = intercept.first().map_or(0.0, |b| b - dot(&coef, &self.frame.shift));
        Fit { coef, intercept, n_iter, converged, gradient, objective: state.objective, diverged }
    }
}
