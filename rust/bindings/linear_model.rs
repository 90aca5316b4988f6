//! `fulcra_core::linear_model` for `fulcra.linear_model`: least squares here, every other model in a file of its own.

pub mod lasso;
pub mod leave_one_out;
pub mod logistic;
pub mod logistic_l1;
pub mod moments;
pub mod permuted;
pub mod poisson;

pub mod descent;
pub mod sgd;

use std::sync::OnceLock;

use fulcra_core::linear_model::{Fit, least_squares as ols, predict, ridge as penalised};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{self, Samples, dispatch};
use crate::errors::to_python;
use crate::run::detached;

/// What `least_squares` and `ridge` found; see `_core.pyi`.
#[pyclass(frozen, module = "fulcra._core")]
pub struct LinearFit {
    /// (n_targets, n_features)
    #[pyo3(get)]
    coef: Py<PyArray2<f64>>,
    /// (n_targets,)
    #[pyo3(get)]
    intercept: Py<PyArray1<f64>>,
    #[pyo3(get)]
    rank: usize,
    #[pyo3(get)]
    n_iter: usize,
    #[pyo3(get)]
    converged: bool,
    fit: Fit,
    singular: OnceLock<Vec<f64>>,
}

#[pymethods]
impl LinearFit {
    #[getter]
    fn method(&self) -> &'static str {
        self.fit.method.name()
    }

    #[getter]
    fn singular<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        if self.singular.get().is_none() {
            let found = py.detach(|| self.fit.singular()).map_err(to_python)?;
            self.singular.get_or_init(|| found);
        }
        Ok(PyArray1::from_slice(py, self.singular.get().map_or(&[], |values| values)))
    }
}

fn wrap(py: Python<'_>, mut fit: Fit, t: usize, d: usize) -> PyResult<LinearFit> {
    Ok(LinearFit {
        coef: std::mem::take(&mut fit.coef).into_pyarray(py).reshape([t, d])?.unbind(),
        intercept: std::mem::take(&mut fit.intercept).into_pyarray(py).unbind(),
        rank: fit.rank,
        n_iter: fit.n_iter,
        converged: fit.converged,
        fit,
        singular: OnceLock::new(),
    })
}

fn check_rows(y: &PyReadonlyArray2<'_, f64>, n: usize) -> PyResult<()> {
    if y.shape()[0] == n {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("y has {} rows, X has {n}", y.shape()[0])))
}

/// Ordinary least squares of y (n_samples, n_targets).
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight, *, fit_intercept))]
#[allow(non_snake_case)] // the signature is Python's
pub fn least_squares(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    y: PyReadonlyArray2<'_, f64>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    fit_intercept: bool,
) -> PyResult<LinearFit> {
    let (targets, t) = (y.as_slice()?, y.shape()[1]);
    dispatch!(&Samples::new(X)?, |rows| {
        check_rows(&y, rows.n())?;
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let fit = detached(py, |_, run| ols::fit(&rows, targets, t, weights, fit_intercept, run))?;
        wrap(py, fit, t, rows.d())
    })
}

/// Ridge regression of y (n_samples, n_targets) with alphas (n_targets,).
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight, alphas, *, fit_intercept))]
#[allow(non_snake_case)]
pub fn ridge(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    y: PyReadonlyArray2<'_, f64>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    alphas: PyReadonlyArray1<'_, f64>,
    fit_intercept: bool,
) -> PyResult<LinearFit> {
    let (targets, t) = (y.as_slice()?, y.shape()[1]);
    let alphas = alphas.as_slice()?;
    if alphas.len() != t {
        return Err(PyValueError::new_err(format!("alphas has {} values, y has {t} columns", alphas.len())));
    }
    dispatch!(&Samples::new(X)?, |rows| {
        check_rows(&y, rows.n())?;
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let fit = detached(py, |_, run| penalised::fit(&rows, targets, weights, alphas, fit_intercept, run))?;
        wrap(py, fit, t, rows.d())
    })
}

/// X coef^T + intercept, in the dtype of X.
#[pyfunction]
#[allow(non_snake_case)]
pub fn linear_predict<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    coef: PyReadonlyArray2<'py, f64>,
    intercept: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyAny>> {
    let t = intercept.len();
    let coef: Vec<f64> = coef.as_array().iter().copied().collect();
    let intercept: Vec<f64> = intercept.as_array().iter().copied().collect();
    dispatch!(&Samples::new(X)?, |rows| {
        let values = detached(py, |_, run| predict::predict(&rows, &coef, &intercept, run))?;
        Ok(values.into_pyarray(py).reshape([rows.n(), t])?.into_any())
    })
}
