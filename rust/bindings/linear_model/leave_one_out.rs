//! `fulcra_core::linear_model::leave_one_out` for `RidgeCV`.

use fulcra_core::linear_model::leave_one_out;
use numpy::{
    IntoPyArray, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use super::check_rows;
use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// (n_alphas, n_targets), and (n_alphas, n_samples, n_targets) or nothing.
type Found<'py> = (Bound<'py, PyArray2<f64>>, Option<Bound<'py, PyArray3<f64>>>);

/// Leave-one-out errors of ridge regression with each of `alphas`.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight, alphas, *, fit_intercept, keep))]
#[allow(non_snake_case)] // the signature is Python's
pub fn ridge_leave_one_out<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    y: PyReadonlyArray2<'py, f64>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    alphas: PyReadonlyArray1<'py, f64>,
    fit_intercept: bool,
    keep: bool,
) -> PyResult<Found<'py>> {
    let (targets, t) = (y.as_slice()?, y.shape()[1]);
    let alphas = alphas.as_slice()?;
    dispatch!(&Samples::new(X)?, |rows| {
        let n = rows.n();
        check_rows(&y, n)?;
        let weights = convert::weights(sample_weight.as_ref(), n)?;
        let found = detached(py, |_, run| {
            leave_one_out::leave_one_out(&rows, targets, t, weights, alphas, fit_intercept, keep, run)
        })?;
        let errors = found.errors.into_pyarray(py).reshape([alphas.len(), t])?;
        let residuals = found.residuals.into_pyarray(py);
        Ok((errors, if keep { Some(residuals.reshape([alphas.len(), n, t])?) } else { None }))
    })
}
