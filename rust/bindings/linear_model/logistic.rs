//! `fulcra_core::linear_model::logistic` for `LogisticRegression` with a squared penalty or none.

use fulcra_core::linear_model::logistic::{self as smooth, Penalty, Rules};
use numpy::{IntoPyArray, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::logistic_l1::LogisticL1Fit;
use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// Logistic regression of the class indices y (n_samples,) with a squared penalty, or none where alpha is 0.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight, coef_init, *, n_classes, alpha, fit_intercept, tol, max_iter))]
#[allow(non_snake_case, clippy::too_many_arguments)] // the signature is Python's
pub fn logistic(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    y: PyReadonlyArray1<'_, i32>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    coef_init: Option<PyReadonlyArray2<'_, f64>>,
    n_classes: usize,
    alpha: f64,
    fit_intercept: bool,
    tol: f64,
    max_iter: usize,
) -> PyResult<LogisticL1Fit> {
    // What is negative is no class, and too large for any number of them.
    let classes: Vec<u32> = y.as_array().iter().map(|&class| class as u32).collect();
    let k = if n_classes == 2 { 1 } else { n_classes };
    let penalty = Penalty { alpha, intercept: fit_intercept };
    let rules = Rules { gradient: tol, max_iter };
    dispatch!(&Samples::new(X)?, |rows| {
        let d = rows.d();
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let start = match &coef_init {
            None => None,
            Some(start) if start.shape() == [k, d + usize::from(fit_intercept)] => {
                let start = start.as_array();
                let coef: Vec<f64> =
                    start.rows().into_iter().flat_map(|row| row.to_vec().into_iter().take(d)).collect();
                let constant = |row: Vec<f64>| row.get(d).copied().unwrap_or(0.0);
                let intercept: Vec<f64> = start.rows().into_iter().map(|row| constant(row.to_vec())).collect();
                Some((coef, intercept))
            }
            Some(start) => {
                let message =
                    format!("coef_init has shape {:?}, X has {d} features, y {n_classes} classes", start.shape());
                return Err(PyValueError::new_err(message));
            }
        };
        let start = start.as_ref().map(|(coef, intercept)| (&coef[..], &intercept[..]));
        let fit = detached(py, |_, run| smooth::fit(&rows, &classes, n_classes, weights, start, penalty, rules, run))?;
        Ok(LogisticL1Fit {
            coef: fit.coef.into_pyarray(py).reshape([k, d])?.unbind(),
            intercept: fit.intercept.into_pyarray(py).unbind(),
            n_iter: fit.n_iter,
            converged: fit.converged,
            gradient: fit.gradient,
            loss: fit.objective,
            diverged_column: fit.diverged,
        })
    })
}
