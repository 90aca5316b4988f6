//! `fulcra_core::linear_model::permuted` for `permutation_importance`.

use fulcra_core::linear_model::permuted::{self, Fitted};
use fulcra_core::{Dense, Error};
use numpy::{IntoPyArray, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::convert;
use crate::errors::to_python;
use crate::run::detached;

/// Sums of squared errors (n_features, n_repeats, n_targets) with one column's values in other places.
#[pyfunction]
#[pyo3(signature = (X, residuals, coef, weights, orders))]
#[allow(non_snake_case)] // the signature is Python's
pub fn permuted_squares<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f64>,
    residuals: PyReadonlyArray2<'py, f64>,
    coef: PyReadonlyArray2<'py, f64>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
    orders: PyReadonlyArray2<'py, u32>,
) -> PyResult<Bound<'py, PyArray3<f64>>> {
    let (n, d, t) = (X.shape()[0], X.shape()[1], residuals.shape()[0]);
    let rows = Dense::new(X.as_slice()?, n, d).map_err(to_python)?;
    if orders.shape()[1] != n {
        return Err(to_python(Error::Shape { what: "orders", got: orders.shape()[1], want: n }));
    }
    let weights = convert::weights(weights.as_ref(), n)?;
    let fitted = Fitted { residuals: residuals.as_slice()?, coef: coef.as_slice()?, weights };
    let (orders, repeats) = (orders.as_slice()?, orders.shape()[0]);
    let found = detached(py, |_, run| permuted::squares(&rows, fitted, t, orders, run))?;
    found.into_pyarray(py).reshape([d, repeats, t])
}
