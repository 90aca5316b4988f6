//! `fulcra_core::linear_model::moments` for `fulcra.inspection.summarize`.

use fulcra_core::linear_model::moments;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use super::check_rows;
use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// What `linear_moments` found; see `_core.pyi`.
#[pyclass(frozen, get_all, module = "fulcra._core")]
pub struct LinearMoments {
    /// (n_features,)
    means: Py<PyArray1<f64>>,
    /// (n_features,)
    norms: Py<PyArray1<f64>>,
    /// (n_features, n_features)
    gram: Py<PyArray2<f64>>,
    /// (n_targets, n_features)
    cross: Py<PyArray2<f64>>,
    lost: bool,
}

/// Means and products of weighted columns and targets (n_samples, n_targets).
#[pyfunction]
#[pyo3(signature = (X, targets, sample_weight, *, centred))]
#[allow(non_snake_case)] // the signature is Python's
pub fn linear_moments(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    targets: PyReadonlyArray2<'_, f64>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    centred: bool,
) -> PyResult<LinearMoments> {
    let (values, t) = (targets.as_slice()?, targets.shape()[1]);
    dispatch!(&Samples::new(X)?, |rows| {
        check_rows(&targets, rows.n())?;
        let (d, weights) = (rows.d(), convert::weights(sample_weight.as_ref(), rows.n())?);
        let found = detached(py, |_, run| moments::moments(&rows, values, t, weights, centred, run))?;
        Ok(LinearMoments {
            means: found.means.into_pyarray(py).unbind(),
            norms: found.norms.into_pyarray(py).unbind(),
            gram: found.gram.into_pyarray(py).reshape([d, d])?.unbind(),
            cross: found.cross.into_pyarray(py).reshape([t, d])?.unbind(),
            lost: found.lost,
        })
    })
}
