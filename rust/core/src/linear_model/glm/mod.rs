//! Generalised linear models: weights that minimise the mean of a convex loss of `x . w + b`, plus alpha/2 ||w||^2.
//!
//! Newton's method (McCullagh and Nelder 1989, iteratively reweighted least squares): the Hessian's equations are solved by
//! Cholesky where columns are few, by preconditioned conjugate gradients where they are many. A [`Loss`] is one function of a
//! row; the solver knows nothing else of the model.

mod conjugate;
mod design;
mod newton;
mod reweighted;

pub use newton::fit;

use crate::error::{Error, Result};
use crate::float::Float;
use crate::rows::Rows;

/// What a row contributes at a linear predictor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// The loss.
    pub value: f64,
    /// Its derivative in the linear predictor.
    pub slope: f64,
    /// Its second derivative, not negative.
    pub curvature: f64,
    /// The size of the terms that `value` adds up: its rounding errors are in proportion.
    pub size: f64,
}

/// A loss that is convex in the linear predictor.
pub trait Loss: Sync {
    /// Of target y at the linear predictor `eta`.
    fn at(&self, y: f64, eta: f64) -> Terms;
}

/// Rows, targets (n,) and what is to be minimised of them.
pub struct Problem<'a, F, L> {
    /// (n, d)
    pub rows: &'a Rows<'a, F>,
    /// (n,)
    pub targets: &'a [f64],
    /// (n,); only their ratios matter.
    pub weights: Option<&'a [f64]>,
    /// What is averaged over the rows.
    pub loss: &'a L,
    /// Of the squares of the weights, which are halved.
    pub alpha: f64,
    /// Whether there is an intercept; it carries no penalty.
    pub intercept: bool,
    /// What a mean loss is usually like, where the model knows nothing.
    pub size: f64,
}

impl<F: Float, L: Loss> Problem<'_, F, L> {
    fn check(&self) -> Result<()> {
        super::checked(self.rows, self.targets, 1, self.weights)?;
        if !(0.0..f64::INFINITY).contains(&self.alpha) {
            return Err(Error::Value(format!("alpha={} must not be negative", self.alpha)));
        }
        Ok(())
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The largest relative gradient (see [`Fit::gradient`]) of a fit that has converged.
    pub gradient: f64,
    /// Newton steps at most.
    pub max_iter: usize,
}

/// What [`fit`] finds.
#[derive(Debug, Clone)]
pub struct Fit {
    /// (d,)
    pub coef: Vec<f64>,
    /// Zero without one.
    pub intercept: f64,
    /// Newton steps.
    pub n_iter: usize,
    /// Whether the gradient is as small as was asked for, or as rounding lets it be.
    pub converged: bool,
    /// The largest over the columns of |g| / root(h c), with g the gradient, h the diagonal of the Hessian and c the mean
    /// curvature: by so much, in root mean square, would a step in that coordinate alone change the linear predictor. Free of
    /// the units of columns and targets.
    pub gradient: f64,
    /// Mean loss plus penalty.
    pub objective: f64,
    /// Where the loss goes on falling to infinity, the column (d is the intercept) that changes the linear predictor most.
    pub diverged: Option<usize>,
}
