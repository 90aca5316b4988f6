//! `fulcra_core::cluster::medians` for `fulcra.cluster.KMedians`.

use fulcra_core::cluster::lloyd::{Listener, Rules};
use fulcra_core::cluster::medians;
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use super::{KMeansFit, PythonListener, dense, to_start, wrap};
use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// k-medians from every start; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, starts, *, n_clusters, max_iter, tol, listener=None))]
#[allow(non_snake_case, clippy::too_many_arguments)] // the signature is Python's
pub fn kmedians_fit(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    starts: Vec<Bound<'_, PyAny>>,
    n_clusters: usize,
    max_iter: usize,
    tol: f64,
    listener: Option<Py<PyAny>>,
) -> PyResult<KMeansFit> {
    let rules = Rules { max_iter, tol, ..Rules::to_the_end(n_clusters) };
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let starts = starts.iter().map(|start| to_start(start, rows.d())).collect::<PyResult<Vec<_>>>()?;
        let rows_in_full = dense(&rows)?;
        let fit = detached(py, |interpreter, run| {
            let listener = listener.as_ref().map(|listener| PythonListener { listener, interpreter });
            let listener = listener.as_ref().map(|listener| listener as &dyn Listener);
            medians::fit(&rows_in_full, weights, &starts, &rules, listener, run)
        })?;
        wrap(py, &rows, fit, n_clusters)
    })
}

/// The centre at the smallest Manhattan distance for each row.
#[pyfunction]
#[allow(non_snake_case)]
pub fn kmedians_predict<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    centers: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    dispatch!(&Samples::new(X)?, |rows| {
        let (rows, (centers, _)) = (dense(&rows)?, convert::centers(centers, rows.d())?);
        Ok(detached(py, |_, run| medians::labels(&rows, centers, run))?.into_pyarray(py))
    })
}

/// Manhattan distances (n_samples, n_clusters), in the dtype of X.
#[pyfunction]
#[allow(non_snake_case)]
pub fn kmedians_distances<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    centers: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    dispatch!(&Samples::new(X)?, |rows| {
        let (rows, (centers, k)) = (dense(&rows)?, convert::centers(centers, rows.d())?);
        let values = detached(py, |_, run| medians::distances(&rows, &centers, run))?;
        Ok(values.into_pyarray(py).reshape([rows.n(), k])?.into_any())
    })
}

/// Sum over rows of w times the distance from the nearest centre.
#[pyfunction]
#[allow(non_snake_case)]
pub fn kmedians_loss(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    centers: &Bound<'_, PyAny>,
) -> PyResult<f64> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (rows, (centers, _)) = (dense(&rows)?, convert::centers(centers, rows.d())?);
        detached(py, |_, run| medians::loss(&rows, weights, &centers, run))
    })
}
