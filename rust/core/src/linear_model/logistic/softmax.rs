//! Several classes: Newton's method on softmax, its equations solved by conjugate gradients.
//!
//! The Hessian is `Z^T (diag(p) - p p^T) Z`: a product with it is one pass over the rows. Its blocks on the diagonal, one a class,
//! precondition (`curvature`). A constant added to the scores of all classes changes no probability, so weights, gradients and steps
//! add up to zero over the classes; of what a penalty bears, that is the shortest.

use super::curvature::Curvature;
use super::passes::Passes;
use super::{Fit, Penalty, Rules};
use crate::error::Result;
use crate::float::Float;
use crate::linear_model::normal::{Frame, blame};
use crate::linear_model::{add_scaled, dot, least_squares};
use crate::rows::Rows;
use crate::run::Run;

/// Weights and what the rows say at them.
struct State {
    /// (wide, k), of the framed columns and of ones.
    weights: Vec<f64>,
    /// (n, k)
    scores: Vec<f64>,
    /// (n, k), probabilities.
    p: Vec<f64>,
    /// (wide, k), of the mean loss plus penalty.
    gradient: Vec<f64>,
    objective: f64,
}

struct Solver<'a, F> {
    rows: &'a Rows<'a, F>,
    passes: Passes<'a, F>,
    classes: &'a [u32],
    k: usize,
    /// (n,), of the rows, adding up to one.
    s: Vec<f64>,
    /// (wide,), of the squares of framed weights.
    alphas: Vec<f64>,
}

/// Fits `classes` (n,), indices below k, from `start` if it is better than the classes' shares.
#[allow(clippy::too_many_arguments)] // the problem, and how it is solved
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    classes: &[u32],
    k: usize,
    weights: Option<&[f64]>,
    start: Option<(&[f64], &[f64])>,
    penalty: Penalty,
    rules: Rules,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d) = (rows.n(), rows.d());
    let frame = Frame::new(rows, &[], penalty.intercept);
    let total: f64 = weights.map_or(n as f64, |weights| weights.iter().sum());
    let s: Vec<f64> = (0..n).map(|i| weights.map_or(1.0, |weights| weights[i]) / total).collect();
    let mut alphas: Vec<f64> = frame.scale.iter().map(|scale| penalty.alpha / total * scale * scale).collect();
    alphas.extend(penalty.intercept.then_some(0.0));
    let wide = alphas.len();
    let passes = Passes::new(rows, &frame, k, run)?;
    let mut shares = vec![0.0; k];
    classes.iter().zip(&s).for_each(|(&class, s)| shares[class as usize] += s);
    let solver = Solver { rows, passes, classes, k, s, alphas };
    let mut first = vec![0.0; wide * k];
    // Without a step the start shows, and that is to be nothing.
    if penalty.intercept && rules.max_iter > 0 && shares.iter().all(|&share| share > 0.0) {
        (0..k).for_each(|c| first[d * k + c] = shares[c].ln());
        centre(&mut first, k);
    }
    let mut state = solver.evaluate(first, run)?;
    if let Some((coef, intercept)) = start {
        let mut given = vec![0.0; wide * k];
        for c in 0..k {
            let coef = &coef[c * d..][..d];
            (0..d).for_each(|f| given[f * k + c] = coef[f] / frame.scale[f]);
            if penalty.intercept {
                given[d * k + c] = intercept[c] + dot(coef, &frame.shift);
            }
        }
        centre(&mut given, k);
        let given = solver.evaluate(given, run)?;
        if given.objective < state.objective {
            state = given;
        }
    }
    if let Some(at) = state.gradient.iter().position(|g| !g.is_finite()) {
        return Err(blame(rows, (at / k).min(d - 1)));
    }
    let (mut state, ending) = solver.minimise(state, rules, run)?;
    if penalty.alpha == 0.0 && ending.diverged.is_none() && ending.converged {
        solver.shorten(&mut state, &frame, weights, ending.gradient.max(rules.gradient), run)?;
    }
    let (mut coef, mut intercept) = (vec![0.0; k * d], vec![0.0; k]);
    for c in 0..k {
        let coef = &mut coef[c * d..][..d];
        (0..d).for_each(|f| coef[f] = state.weights[f * k + c] * frame.scale[f]);
        if penalty.intercept {
            intercept[c] = state.weights[d * k + c] - dot(coef, &frame.shift);
        }
    }
    let Ending { n_iter, converged, gradient, diverged } = ending;
    Ok(Fit { coef, intercept, n_iter, converged, gradient, objective: state.objective * total, diverged })
}

/// Takes the mean over the classes from each row of `values` (.., k).
pub fn centre(values: &mut [f64], k: usize) {
    for values in values.chunks_exact_mut(k) {
        let mean = values.iter().sum::<f64>() / k as f64;
        values.iter_mut().for_each(|value| *value -= mean);
    }
}

struct Ending {
    n_iter: usize,
    converged: bool,
    gradient: f64,
    diverged: Option<usize>,
}

impl<F: Float> Solver<'_, F> {
    fn minimise(&self, mut state: State, rules: Rules, run: &Run<'_>) -> Result<(State, Ending)> {
        /// Changes of scores beyond which a step may go to infinity.
        const NEAR: f64 = 0.5;
        /// A decrease that counts as none, however far the weights still go.
        const NOTHING: f64 = 1e-8;
        /// A decrease that rounding hides.
        const HIDDEN: f64 = 1e-14;
        /// So many such steps, one after the other, go to infinity.
        const MARCH: usize = 3;
        let free = self.alphas.iter().all(|&alpha| alpha == 0.0);
        let (mut n_iter, mut marching, mut first_unit) = (0, 0, Vec::new());
        let (mut moved, mut wide) = (f64::INFINITY, false);
        let mut curvature = self.curvature(&state, run)?;
        // Changes of scores since the curvature was looked at.
        let mut since = 0.0;
        loop {
            if since > NEAR {
                curvature = self.curvature(&state, run)?;
                since = 0.0;
            }
            if first_unit.is_empty() {
                first_unit = curvature.unit();
            }
            let gradient = curvature.relative(&state.gradient);
            let end = |converged, diverged| Ending { n_iter, converged, gradient, diverged };
            if gradient <= rules.gradient && moved <= NEAR || gradient == 0.0 {
                return Ok((state, end(true, None)));
            }
            if n_iter == rules.max_iter {
                return Ok((state, end(false, None)));
            }
            let step = self.step(&state, &curvature, gradient.sqrt().clamp(1e-3, 0.1), wide, run)?;
            let fall = -dot(&state.gradient, &step);
            let Some(next) = self.search(&state, &step, fall, run)? else {
                if wide {
                    return Ok((state, end(fall <= HIDDEN, None)));
                }
                wide = true;
                continue;
            };
            moved = state.scores.iter().zip(&next.scores).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            since += moved;
            n_iter += 1;
            marching = if fall <= NOTHING && moved > NEAR { marching + 1 } else { 0 };
            state = next;
            if marching == MARCH && free {
                let far = |at: &usize| step[*at].abs() / first_unit[*at].max(f64::MIN_POSITIVE);
                let farthest = (0..step.len()).max_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0) / self.k;
                return Ok((state, Ending { n_iter, converged: false, gradient, diverged: Some(farthest) }));
            }
        }
    }

    fn curvature(&self, state: &State, run: &Run<'_>) -> Result<Curvature> {
        Curvature::new(self.rows, &self.passes, &state.p, &self.s, self.k, &self.alphas, run)
    }

    /// Scores, probabilities, objective and gradient, all in f64.
    fn evaluate(&self, weights: Vec<f64>, run: &Run<'_>) -> Result<State> {
        let k = self.k;
        let (mut scores, mut p) = (vec![0.0; self.s.len() * k], vec![0.0; self.s.len() * k]);
        let each = |i: usize, u: &mut [f64], scores: &mut [f64], p: &mut [f64]| {
            scores.copy_from_slice(u);
            let (s, class) = (self.s[i], self.classes[i] as usize);
            let (most, sum) = softmax(u, p);
            let loss = sum.ln() + (most - scores[class]);
            u.iter_mut().zip(&*p).for_each(|(r, p)| *r = s * p);
            // Of the class itself, 1 - p without the digits that the difference would lose.
            let others: f64 = (0..k).filter(|&c| c != class).map(|c| p[c]).sum();
            u[class] = -s * others;
            if s > 0.0 { s * loss } else { 0.0 }
        };
        let (mut gradient, loss) = self.passes.pass::<f64>(&weights, &mut scores, &mut p, each, run)?;
        let mut penalty = 0.0;
        for (f, alpha) in self.alphas.iter().enumerate() {
            for at in f * k..(f + 1) * k {
                gradient[at] += alpha * weights[at];
                penalty += 0.5 * alpha * weights[at] * weights[at];
            }
        }
        centre(&mut gradient, k);
        Ok(State { weights, scores, p, gradient, objective: loss + penalty })
    }

    /// About -H^-1 g, to a residual of `precision` beside g, by preconditioned conjugate gradients. Products are of f32 unless `wide`.
    fn step(
        &self,
        state: &State,
        curvature: &Curvature,
        precision: f64,
        wide: bool,
        run: &Run<'_>,
    ) -> Result<Vec<f64>> {
        /// Products with the Hessian for a step at most.
        const MOST: usize = 500;
        let mut r: Vec<f64> = state.gradient.iter().map(|g| -g).collect();
        let mut x = vec![0.0; r.len()];
        let mut z = curvature.solve(&r, run)?;
        let mut p = z.clone();
        let mut rho = dot(&r, &z);
        let goal = precision * precision * rho;
        for _ in 0..MOST {
            if rho.is_nan() || rho <= goal {
                break;
            }
            let mut q = self.product(state, &p, wide, run)?;
            for (f, alpha) in self.alphas.iter().enumerate() {
                (f * self.k..(f + 1) * self.k).for_each(|at| q[at] += alpha * p[at]);
            }
            centre(&mut q, self.k);
            let bend = dot(&p, &q);
            if bend.is_nan() || bend <= 0.0 {
                break;
            }
            let step = rho / bend;
            add_scaled(&mut x, step, &p);
            add_scaled(&mut r, -step, &q);
            z = curvature.solve(&r, run)?;
            let next = dot(&r, &z);
            let turn = next / rho;
            rho = next;
            p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + turn * *p);
        }
        Ok(x)
    }

    /// The Hessian of the losses times `v` (wide, k).
    fn product(&self, state: &State, v: &[f64], wide: bool, run: &Run<'_>) -> Result<Vec<f64>> {
        let k = self.k;
        let each = |i: usize, u: &mut [f64], _: &mut [f64], _: &mut [f64]| {
            let p = &state.p[i * k..][..k];
            let mean: f64 = p.iter().zip(&*u).map(|(p, u)| p * u).sum();
            u.iter_mut().zip(p).for_each(|(u, p)| *u = self.s[i] * p * (*u - mean));
            0.0
        };
        let found = if wide {
            self.passes.pass::<f64>(v, &mut [], &mut [], each, run)?
        } else {
            self.passes.pass::<f32>(v, &mut [], &mut [], each, run)?
        };
        Ok(found.0)
    }

    /// The state after `step`, or after a part of it; nothing where no part lowers the objective.
    fn search(&self, from: &State, step: &[f64], fall: f64, run: &Run<'_>) -> Result<Option<State>> {
        /// Of the decrease that the slope promises.
        const ENOUGH: f64 = 1e-4;
        /// Rounding errors of the objective, beside its size.
        const ROUNDING: f64 = 8.0 * f64::EPSILON;
        const MOST_HALVINGS: usize = 60;
        if !fall.is_finite() || fall <= 0.0 {
            return Ok(None);
        }
        let noise = ROUNDING * from.objective;
        let mut t = 1.0;
        for _ in 0..MOST_HALVINGS {
            let mut weights = from.weights.clone();
            add_scaled(&mut weights, t, step);
            let found = self.evaluate(weights, run)?;
            let finite = found.objective.is_finite() && found.gradient.iter().all(|g| g.is_finite());
            if finite && found.objective <= from.objective - ENOUGH * t * fall + noise {
                // Where rounding hides the decrease, the slope along the step must have become less steep.
                let hidden = ENOUGH * t * fall <= noise;
                return Ok((!hidden || dot(&found.gradient, step).abs() <= 0.9 * fall).then_some(found));
            }
            if t * fall <= noise {
                break;
            }
            t *= 0.5;
        }
        Ok(None)
    }

    /// Of the weights that give the same scores, those of least norm, where the gradient bears them out.
    fn shorten(
        &self,
        state: &mut State,
        frame: &Frame,
        weights: Option<&[f64]>,
        gradient: f64,
        run: &Run<'_>,
    ) -> Result<()> {
        let (k, d) = (self.k, self.rows.d());
        let short = least_squares::fit(self.rows, &state.scores, k, weights, frame.centred, run)?;
        if short.rank == d {
            return Ok(());
        }
        let mut found = vec![0.0; state.weights.len()];
        for c in 0..k {
            let coef = &short.coef[c * d..][..d];
            (0..d).for_each(|f| found[f * k + c] = coef[f] / frame.scale[f]);
            if frame.centred {
                found[d * k + c] = short.intercept[c] + dot(coef, &frame.shift);
            }
        }
        centre(&mut found, k);
        let found = self.evaluate(found, run)?;
        let curvature = self.curvature(&found, run)?;
        if curvature.relative(&found.gradient) <= 10.0 * gradient {
            *state = found;
        }
        Ok(())
    }
}

/// Probabilities of scores `u` (k,), the largest score, and the sum of the exponentials of the others beside it.
fn softmax(u: &[f64], p: &mut [f64]) -> (f64, f64) {
    let most = u.iter().fold(f64::NEG_INFINITY, |most, &u| most.max(u));
    p.iter_mut().zip(u).for_each(|(p, u)| *p = (u - most).exp());
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    (most, sum)
}

#[cfg(test)]
mod tests {
    use super::super::fit;
    use super::*;
    use crate::rows::{Csr, Dense};

    const RULES: Rules = Rules { gradient: 1e-10, max_iter: 100 };

    #[test]
    fn three_groups_have_their_shares() {
        // Where x is 0 classes have shares 1/2, 1/4, 1/4; where it is 1, 1/4, 1/4, 1/2.
        let x = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        let y = [0, 0, 1, 2, 0, 1, 2, 2];
        let (values, columns, starts) = ([1.0; 4], [0; 4], [0, 0, 0, 0, 0, 1, 2, 3, 4]);
        for rows in
            [Rows::Dense(Dense::new(&x, 8, 1).unwrap()), Rows::Csr(Csr::new(&values, &columns, &starts, 1).unwrap())]
        {
            let penalty = Penalty { alpha: 0.0, intercept: true };
            let found = fit(&rows, &y, 3, None, None, penalty, RULES, &Run::alone()).unwrap();
            let (w, b) = (&found.coef, &found.intercept);
            assert!(found.converged && found.diverged.is_none());
            assert!((b[0] - b[1] - 2.0_f64.ln()).abs() < 1e-9 && (b[1] - b[2]).abs() < 1e-9, "{found:?}");
            assert!((w[2] - w[0] - 4.0_f64.ln()).abs() < 1e-9, "{found:?}");
            assert!(w.iter().sum::<f64>().abs() < 1e-12 && b.iter().sum::<f64>().abs() < 1e-12);
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let (n, d) = (5000, 12);
        let x: Vec<f64> = (0..n * d).map(|i| (i as f64 * 0.37).sin() + (i as f64 * 1.7).cos()).collect();
        let y: Vec<u32> = (0..n).map(|i| (x[i * d] * 10.0 + i as f64).rem_euclid(4.0) as u32).collect();
        let rows = Rows::Dense(Dense::new(&x, n, d).unwrap());
        let on = |threads| {
            let run = Run::new(threads, &crate::run::Unattended);
            fit(&rows, &y, 4, None, None, Penalty { alpha: 1.0, intercept: true }, RULES, &run).unwrap().coef
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn bad_input_is_an_error() {
        let rows = Rows::Dense(Dense::new(&[1.0, 2.0, 3.0], 3, 1).unwrap());
        let (run, penalty) = (Run::alone(), Penalty { alpha: 1.0, intercept: true });
        assert!(fit(&rows, &[0, 1, 3], 3, None, None, penalty, RULES, &run).is_err());
        assert!(fit(&rows, &[0, 1], 3, None, None, penalty, RULES, &run).is_err());
        assert!(fit(&rows, &[0, 1, 2], 3, None, Some((&[0.0; 2], &[0.0; 3])), penalty, RULES, &run).is_err());
        let rows = Rows::Dense(Dense::new(&[1.0, f64::NAN, 3.0], 3, 1).unwrap());
        assert!(fit(&rows, &[0, 1, 2], 3, None, None, penalty, RULES, &run).is_err());
    }
}
