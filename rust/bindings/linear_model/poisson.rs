//! `fulcra_core::linear_model::poisson` for `PoissonRegressor`.

use fulcra_core::linear_model::glm::Rules;
use fulcra_core::linear_model::poisson;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// What `poisson_fit` found; see `_core.pyi`.
#[pyclass(frozen, get_all, module = "fulcra._core")]
pub struct PoissonFit {
    /// (n_features,)
    coef: Py<PyArray1<f64>>,
    intercept: f64,
    n_iter: usize,
    converged: bool,
    gradient: f64,
    loss: f64,
    diverged_column: Option<usize>,
}

/// Poisson regression of y (n_samples,).
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight, start, *, alpha, fit_intercept, gradient, max_iter))]
#[allow(non_snake_case, clippy::too_many_arguments)] // the signature is Python's
pub fn poisson_fit(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    y: PyReadonlyArray1<'_, f64>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    start: Option<(PyReadonlyArray1<'_, f64>, f64)>,
    alpha: f64,
    fit_intercept: bool,
    gradient: f64,
    max_iter: usize,
) -> PyResult<PoissonFit> {
    let targets = y.as_slice()?;
    let start = match &start {
        Some((coef, intercept)) => Some((coef.as_slice()?, *intercept)),
        None => None,
    };
    let rules = Rules { gradient, max_iter };
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let fit =
            detached(py, |_, run| poisson::fit(&rows, targets, weights, start, alpha, fit_intercept, rules, run))?;
        Ok(PoissonFit {
            coef: fit.coef.into_pyarray(py).unbind(),
            intercept: fit.intercept,
            n_iter: fit.n_iter,
            converged: fit.converged,
            gradient: fit.gradient,
            loss: fit.objective,
            diverged_column: fit.diverged,
        })
    })
}
