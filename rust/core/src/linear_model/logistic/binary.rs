//! Two classes: a generalised linear model with the logistic link.

use super::{Fit, Penalty, Rules};
use crate::error::Result;
use crate::float::Float;
use crate::linear_model::glm::{self, Loss, Problem, Terms};
use crate::rows::Rows;
use crate::run::Run;

/// Minus the log-likelihood of y, 0 or 1, where its log-odds are eta.
struct LogLoss;

impl Loss for LogLoss {
    #[inline(always)]
    fn at(&self, y: f64, eta: f64) -> Terms {
        // By how much the log-odds of the wrong class are above 0.
        let sign = 1.0 - 2.0 * y;
        let m = sign * eta;
        let small = (-m.abs()).exp();
        let likely = 1.0 / (1.0 + small);
        let value = m.max(0.0) + small.ln_1p();
        let wrong = if m > 0.0 { likely } else { small * likely };
        Terms { value, slope: sign * wrong, curvature: small * likely * likely, size: value }
    }
}

/// Fits `classes` (n,) of 0 and 1 from `start`, or from the best intercept alone.
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    classes: &[u32],
    weights: Option<&[f64]>,
    start: Option<(&[f64], &[f64])>,
    penalty: Penalty,
    rules: Rules,
    run: &Run<'_>,
) -> Result<Fit> {
    let weight = |i: usize| weights.map_or(1.0, |weights| weights[i]);
    let targets: Vec<f64> = classes.iter().map(|&class| f64::from(class)).collect();
    let total: f64 = (0..rows.n()).map(weight).sum();
    let ones: f64 = targets.iter().enumerate().map(|(i, y)| weight(i) * y).sum();
    let odds = (ones / (total - ones)).ln();
    // Without a step the start shows, and that is to be nothing.
    let constant = if penalty.intercept && odds.is_finite() && rules.max_iter > 0 { odds } else { 0.0 };
    let zeros = vec![0.0; rows.d()];
    let mut starts = vec![(&zeros[..], constant)];
    starts.extend(start.map(|(coef, intercept)| (coef, intercept[0])));
    let problem = Problem {
        rows,
        targets: &targets,
        weights,
        loss: &LogLoss,
        alpha: penalty.alpha / total,
        intercept: penalty.intercept,
        size: std::f64::consts::LN_2,
    };
    let rules = glm::Rules { gradient: rules.gradient, max_iter: rules.max_iter };
    let found = glm::fit(&problem, &starts, rules, run)?;
    Ok(Fit {
        coef: found.coef,
        intercept: vec![found.intercept],
        n_iter: found.n_iter,
        converged: found.converged,
        gradient: found.gradient,
        objective: found.objective * total,
        diverged: found.diverged,
    })
}
