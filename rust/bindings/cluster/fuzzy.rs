//! `fulcra_core::cluster::fuzzy` for `fulcra.cluster.FuzzyCMeans`.

use fulcra_core::cluster::fuzzy::{self, Iteration, Memberships, Rules};
use fulcra_core::{Float, Rows};
use numpy::{Element, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::to_matrix;
use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// What `fuzzy_fit` found.
#[pyclass(frozen, module = "fulcra._core")]
pub struct FuzzyFit {
    /// (n_clusters, n_features), dtype of X
    #[pyo3(get)]
    centers: Py<PyAny>,
    /// Whether `tol` stopped it.
    #[pyo3(get)]
    settled: bool,
    /// objective, shift (sum ||C_new - C_old||^2), seconds: float64
    #[pyo3(get)]
    history: Py<PyDict>,
}

/// Fuzzy c-means from given centres; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, centers, *, m, max_iter, tol))]
#[allow(non_snake_case)]
pub fn fuzzy_fit(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    centers: &Bound<'_, PyAny>,
    m: f64,
    max_iter: usize,
    tol: f64,
) -> PyResult<FuzzyFit> {
    let rules = Rules { fuzziness: m, max_iter, tol };
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (centers, _) = convert::centers(centers, rows.d())?;
        let fit = detached(py, |_, run| fuzzy::fit(&rows, weights, &centers, &rules, run))?;
        wrap(py, &rows, fit)
    })
}

fn wrap<F: Float + Element>(py: Python<'_>, rows: &Rows<'_, F>, fit: fuzzy::Fit) -> PyResult<FuzzyFit> {
    let column = |value: fn(&Iteration) -> f64| PyArray1::from_iter(py, fit.history.iter().map(value));
    let history = PyDict::new(py);
    history.set_item("objective", column(|iteration| iteration.objective))?;
    history.set_item("shift", column(|iteration| iteration.shift))?;
    history.set_item("seconds", column(|iteration| iteration.seconds))?;
    Ok(FuzzyFit {
        centers: to_matrix::<F>(py, &fit.centers, rows.d())?.into_any().unbind(),
        settled: fit.settled,
        history: history.unbind(),
    })
}

/// Memberships (n_samples, n_clusters) in the dtype of X, the objective, and the sum of weight times squared membership.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, centers, m))]
#[allow(non_snake_case)]
pub fn fuzzy_memberships<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    centers: &Bound<'py, PyAny>,
    m: f64,
) -> PyResult<(Bound<'py, PyAny>, f64, f64)> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (centers, k) = convert::centers(centers, rows.d())?;
        let Memberships { shares, objective, squares } =
            detached(py, |_, run| fuzzy::memberships(&rows, weights, &centers, m, run))?;
        Ok((shares.into_pyarray(py).reshape([rows.n(), k])?.into_any(), objective, squares))
    })
}
