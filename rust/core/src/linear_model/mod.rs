//! Models that add up weighted features.

mod by_columns;
mod cholesky;
pub mod descent;
mod few_rows;
pub mod glm;
pub mod lasso;
pub mod least_squares;
pub mod leave_one_out;
pub mod logistic;
mod lsqr;
pub mod moments;
mod normal;
mod penalised;
pub mod permuted;
pub mod poisson;
pub mod predict;
pub mod proximal;
mod qr;
mod refine;
pub mod ridge;
pub mod sgd;
mod triangle;

use crate::Float;
use crate::error::{Error, Result};
use crate::rows::Rows;

/// How a fit was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The normal equations, whose condition was seen to allow it.
    Cholesky,
    /// Orthogonal triangularisation of the rows.
    Qr,
    /// Iterations over sparse rows.
    Lsqr,
}

impl Method {
    /// As Python spells it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Cholesky => "cholesky",
            Method::Qr => "qr",
            Method::Lsqr => "lsqr",
        }
    }
}

/// What least squares and ridge regression find.
#[derive(Debug)]
pub struct Fit {
    /// (t, d)
    pub coef: Vec<f64>,
    /// (t,), zero without one.
    pub intercept: Vec<f64>,
    /// Of the (centred) columns, as seen; min(n, d) after iterations, which do not see it.
    pub rank: usize,
    /// How.
    pub method: Method,
    /// Iterations of LSQR, the most over the targets.
    pub n_iter: usize,
    /// Whether LSQR reached its certificate for all targets.
    pub converged: bool,
    /// R (rows, wide), row after row: R^T R is X^T X of the centred columns in the user's units, or of fewer rows X X^T; empty
    /// after LSQR.
    triangle: Vec<f64>,
    wide: usize,
    /// min(n, d)
    many: usize,
}

impl Fit {
    /// Singular values of the centred (and weighted) columns, largest first: min(n, d), none after LSQR. Takes a multiple of the
    /// time of the fit itself for many columns, so only where somebody asks.
    pub fn singular(&self) -> Result<Vec<f64>> {
        if self.triangle.is_empty() {
            return Ok(Vec::new());
        }
        let (wide, rows) = (self.wide, self.triangle.len() / self.wide);
        // Out of the squares' range, and back.
        let largest = self.triangle.iter().fold(0.0, |most: f64, r| most.max(r.abs()));
        if largest == 0.0 {
            return Ok(vec![0.0; self.many]);
        }
        let matrix = faer::Mat::from_fn(rows, wide, |i, j| self.triangle[i * wide + j] / largest);
        let found = matrix.singular_values();
        let mut values = found.map_err(|_| Error::Value("the singular values were not found".into()))?;
        values.iter_mut().for_each(|value| *value *= largest);
        values.resize(self.many, 0.0);
        Ok(values)
    }
}

/// The sizes that must fit: targets (n, t), weights (n,), of which some are not zero.
fn checked<F: Float>(rows: &Rows<'_, F>, targets: &[f64], t: usize, weights: Option<&[f64]>) -> Result<()> {
    let n = rows.n();
    if n == 0 || rows.d() == 0 || t == 0 {
        return Err(Error::Value("a fit needs a row, a column and a target".into()));
    }
    if n.checked_mul(t) != Some(targets.len()) {
        return Err(Error::Shape { what: "y", got: targets.len(), want: n * t });
    }
    if let Some(at) = targets.iter().position(|y| !y.is_finite()) {
        return Err(Error::Value(format!("y holds {} at row {}", targets[at], at / t)));
    }
    let Some(weights) = weights else { return Ok(()) };
    if weights.len() != n {
        return Err(Error::Shape { what: "sample_weight", got: weights.len(), want: n });
    }
    if weights.iter().any(|w| !(0.0..f64::INFINITY).contains(w)) || weights.iter().all(|&w| w == 0.0) {
        return Err(Error::Value("sample_weight must not be negative, and not zero everywhere".into()));
    }
    Ok(())
}

/// a . b in lanes, which the compiler turns into vectors.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for l in 0..LANES {
            sums[l] += a[l] * b[l];
        }
    }
    rest + sums.iter().sum::<f64>()
}

/// y += factor x
#[inline(always)]
fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}
