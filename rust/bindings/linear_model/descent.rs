//! `fulcra_core::linear_model::descent` for the estimators that learn by gradient descent.

use fulcra_core::linear_model::descent::{Batch, Gradient, Loss, gradient};
use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// Mean loss and its gradient (n_targets, n_features + 1) over the rows that are `chosen`.
#[pyfunction]
#[allow(non_snake_case)] // the signature is Python's
#[allow(clippy::too_many_arguments)]
pub fn descent_gradient<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    y: PyReadonlyArray2<'py, f64>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    chosen: Option<PyReadonlyArray1<'py, i64>>,
    coef: PyReadonlyArray2<'py, f64>,
    intercept: PyReadonlyArray1<'py, f64>,
    log_loss: bool,
) -> PyResult<(f64, Bound<'py, PyArray2<f64>>)> {
    let (targets, coef, intercept) = (y.as_slice()?, coef.as_slice()?, intercept.as_slice()?);
    let chosen = chosen.as_ref().map(|rows| rows.as_slice()).transpose()?;
    let loss = if log_loss { Loss::Log } else { Loss::Squared };
    let t = intercept.len();
    let (found, d): (Gradient, usize) = dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let batch = Batch { rows, targets, weights, chosen };
        (detached(py, |_, run| gradient(&batch, loss, coef, intercept, run))?, rows.d())
    });
    Ok((found.loss, found.gradient.into_pyarray(py).reshape([t, d + 1])?))
}
