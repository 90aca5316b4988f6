//! Logistic regression with a squared penalty or none: `sum s loss + alpha / 2 ||w||^2`, of two classes (`binary`) or softmax of
//! several (`softmax`). Scores of classes are eta = X w + b; s are the rows' weights, p the probabilities.

mod binary;
mod curvature;
mod passes;
mod softmax;

use super::checked;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::Rows;
use crate::run::Run;

/// What is added to the losses.
#[derive(Clone, Copy, Debug)]
pub struct Penalty {
    /// Of the squares of the weights, which are halved; not negative.
    pub alpha: f64,
    /// Whether there are intercepts; they carry no penalty.
    pub intercept: bool,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The largest relative gradient (see [`Fit::gradient`]) of a fit that has converged.
    pub gradient: f64,
    /// Newton steps at most.
    pub max_iter: usize,
}

/// What [`fit`] finds, for k scores: 1 of two classes, else one of each class.
#[derive(Debug, Clone)]
pub struct Fit {
    /// (k, d)
    pub coef: Vec<f64>,
    /// (k,), zero without.
    pub intercept: Vec<f64>,
    /// Newton steps.
    pub n_iter: usize,
    /// Whether the gradient is as small as was asked for, or as rounding lets it be.
    pub converged: bool,
    /// The largest over the coordinates of |g| / root(h c), with g the gradient of the mean loss, h the diagonal of its Hessian and
    /// c the mean curvature: by so much, in root mean square, would a step in that coordinate alone change the scores.
    pub gradient: f64,
    /// Losses plus penalty.
    pub objective: f64,
    /// Where the loss goes on falling to infinity, the column (d is the intercept) that changes the scores most.
    pub diverged: Option<usize>,
}

/// Fits `classes` (n,), indices below `n_classes`, from `start`: weights (k, d) and intercepts (k,).
#[allow(clippy::too_many_arguments)] // the problem, and how it is solved
pub fn fit<F: Float>(
    rows: &Rows<'_, F>,
    classes: &[u32],
    n_classes: usize,
    weights: Option<&[f64]>,
    start: Option<(&[f64], &[f64])>,
    penalty: Penalty,
    rules: Rules,
    run: &Run<'_>,
) -> Result<Fit> {
    let (n, d) = (rows.n(), rows.d());
    let k = if n_classes == 2 { 1 } else { n_classes };
    if classes.len() != n {
        return Err(Error::Shape { what: "y", got: classes.len(), want: n });
    }
    checked(rows, &vec![0.0; n], 1, weights)?;
    if n_classes < 2 {
        return Err(Error::Value(format!("n_classes={n_classes} needs to be at least 2")));
    }
    if let Some(at) = classes.iter().position(|&class| class as usize >= n_classes) {
        return Err(Error::Value(format!("y holds {} at row {at}; there are {n_classes} classes", classes[at])));
    }
    if !(0.0..f64::INFINITY).contains(&penalty.alpha) {
        return Err(Error::Value(format!("alpha={} must not be negative", penalty.alpha)));
    }
    if let Some((coef, intercept)) = start
        && (k.checked_mul(d) != Some(coef.len()) || intercept.len() != k)
    {
        return Err(Error::Shape { what: "coef_init", got: coef.len() + intercept.len(), want: k * (d + 1) });
    }
    if k == 1 {
        return binary::fit(rows, classes, weights, start, penalty, rules, run);
    }
    softmax::fit(rows, classes, k, weights, start, penalty, rules, run)
}
