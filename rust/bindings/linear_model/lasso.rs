//! `fulcra_core::linear_model::lasso` for `fulcra.linear_model`.

use fulcra_core::linear_model::lasso::{self, Layout, Settings};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{self, Samples, dispatch};
use crate::errors::to_python;
use crate::run::detached;

/// What `elastic_net` found; see `_core.pyi`.
#[pyclass(frozen, get_all, module = "fulcra._core")]
pub struct ElasticNetFit {
    /// (n_targets, n_alphas, n_features)
    coef: Py<PyArray3<f64>>,
    /// (n_targets, n_alphas)
    intercept: Py<PyArray2<f64>>,
    /// (n_targets, n_alphas)
    gap: Py<PyArray2<f64>>,
    /// (n_targets, n_alphas)
    n_iter: Py<PyArray2<i64>>,
    /// (n_targets,)
    allowed: Py<PyArray1<f64>>,
}

/// Lasso and elastic net for y (n_samples, n_targets) and each of alphas (n_alphas,).
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight, alphas, start, *, transposed, l1_ratio, fit_intercept, positive, max_iter, tol))]
#[allow(non_snake_case, clippy::too_many_arguments)] // the signature is Python's
pub fn elastic_net(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    y: PyReadonlyArray2<'_, f64>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    alphas: PyReadonlyArray1<'_, f64>,
    start: Option<PyReadonlyArray2<'_, f64>>,
    transposed: bool,
    l1_ratio: f64,
    fit_intercept: bool,
    positive: bool,
    max_iter: usize,
    tol: f64,
) -> PyResult<ElasticNetFit> {
    let (targets, t) = (y.as_slice()?, y.shape()[1]);
    let alphas = alphas.as_slice()?;
    let start = start.as_ref().map(PyReadonlyArray2::as_slice).transpose()?;
    let settings = Settings { alphas, l1_ratio, intercept: fit_intercept, positive, max_iter, tol };
    dispatch!(&Samples::new(X)?, |rows| {
        let layout = Layout::new(rows, transposed).map_err(to_python)?;
        let (n, d) = layout.shape();
        check_rows(y.shape()[0], n)?;
        let weights = convert::weights(sample_weight.as_ref(), n)?;
        let found = detached(py, |_, run| lasso::path(layout, targets, t, weights, &settings, start, run))?;
        let m = alphas.len();
        let n_iter: Vec<i64> = found.n_iter.iter().map(|&passes| passes as i64).collect();
        Ok(ElasticNetFit {
            coef: found.coef.into_pyarray(py).reshape([t, m, d])?.unbind(),
            intercept: found.intercept.into_pyarray(py).reshape([t, m])?.unbind(),
            gap: found.gap.into_pyarray(py).reshape([t, m])?.unbind(),
            n_iter: n_iter.into_pyarray(py).reshape([t, m])?.unbind(),
            allowed: found.allowed.into_pyarray(py).unbind(),
        })
    })
}

/// The smallest alpha at which a Lasso of y (n_samples,) has no coefficient that is not zero.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight, *, transposed, fit_intercept, positive))]
#[allow(non_snake_case)]
pub fn lasso_alpha_max(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    y: PyReadonlyArray1<'_, f64>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    transposed: bool,
    fit_intercept: bool,
    positive: bool,
) -> PyResult<f64> {
    let targets = y.as_slice()?;
    dispatch!(&Samples::new(X)?, |rows| {
        let layout = Layout::new(rows, transposed).map_err(to_python)?;
        let n = layout.shape().0;
        check_rows(targets.len(), n)?;
        let weights = convert::weights(sample_weight.as_ref(), n)?;
        detached(py, |_, run| lasso::alpha_max(layout, targets, weights, fit_intercept, positive, run))
    })
}

fn check_rows(given: usize, n: usize) -> PyResult<()> {
    if given == n {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("y has {given} rows, X has {n}")))
}
