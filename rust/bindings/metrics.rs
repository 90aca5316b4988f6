//! `fulcra_core::metrics` for `fulcra.metrics`.

use fulcra_core::kernels::pair_sums::Metric;
use fulcra_core::metrics::scatter::Scatter;
use fulcra_core::metrics::{scatter, silhouette};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{self, Samples, dispatch};
use crate::run::detached;

/// The silhouettes of some rows, each against all rows; see `_core.pyi`.
#[pyfunction]
#[allow(non_snake_case)] // the signature is Python's
pub fn silhouette_samples<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    labels: PyReadonlyArray1<'py, i32>,
    n_clusters: usize,
    of: PyReadonlyArray1<'py, i64>,
    metric: &str,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let metric = match metric {
        "euclidean" => Metric::Euclidean,
        "manhattan" => Metric::Manhattan,
        _ => return Err(PyValueError::new_err(format!("unknown metric {metric:?}"))),
    };
    let labels = labels.as_slice()?;
    let of: Vec<usize> = of.as_slice()?.iter().map(|&i| usize::try_from(i).unwrap_or(usize::MAX)).collect();
    dispatch!(&Samples::new(X)?, |rows| {
        let found = detached(py, |_, run| silhouette::samples(&rows, labels, n_clusters, &of, metric, run))?;
        Ok(found.into_pyarray(py))
    })
}

/// Centres, weights, sums of squares and sums of distances by cluster.
type ByCluster<'py> =
    (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// How far rows lie from the centres of their clusters; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, labels, n_clusters, centers=None))]
#[allow(non_snake_case)]
pub fn cluster_scatter<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    labels: PyReadonlyArray1<'py, i32>,
    n_clusters: usize,
    centers: Option<&Bound<'py, PyAny>>,
) -> PyResult<ByCluster<'py>> {
    let labels = labels.as_slice()?;
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (centers, k) = match centers {
            None => (None, n_clusters),
            Some(centers) => convert::centers(centers, rows.d()).map(|(centers, k)| (Some(centers), k))?,
        };
        let found = detached(py, |_, run| scatter::scatter(&rows, weights, labels, k, centers, run))?;
        let Scatter { centers, weights, squares, distances } = found;
        Ok((
            centers.into_pyarray(py).reshape([k, rows.d()])?,
            weights.into_pyarray(py),
            squares.into_pyarray(py),
            distances.into_pyarray(py),
        ))
    })
}
