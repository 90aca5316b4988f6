//! `fulcra_core::cluster::mahalanobis` for `fulcra.cluster.MahalanobisKMeans`.

use fulcra_core::cluster::lloyd::Listener;
use fulcra_core::cluster::mahalanobis::{self, Factor, Rules};
use numpy::{
    IntoPyArray, PyArray1, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray3, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::{KMeansFit, PythonListener, dense, to_start, wrap};
use crate::convert::{self, Samples, dispatch};
use crate::errors::to_python;
use crate::run::detached;

/// What `mahalanobis_fit` found.
#[pyclass(frozen, module = "fulcra._core")]
pub struct MahalanobisFit {
    /// The clustering; its inertia is the objective.
    #[pyo3(get)]
    clusters: Py<KMeansFit>,
    /// (1 or n_clusters, n_features, n_features)
    #[pyo3(get)]
    covariances: Py<PyArray3<f64>>,
    #[pyo3(get)]
    precisions_cholesky: Py<PyArray3<f64>>,
    /// (1 or n_clusters,)
    #[pyo3(get)]
    penalties: Py<PyArray1<f64>>,
}

/// k-means with covariances from every start; see `_core.pyi`.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, starts, *, n_clusters, max_iter, tol, shrinkage, full, covariances=None, listener=None))]
#[allow(non_snake_case, clippy::too_many_arguments)] // the signature is Python's
pub fn mahalanobis_fit(
    py: Python<'_>,
    X: &Bound<'_, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'_, f64>>,
    starts: Vec<Bound<'_, PyAny>>,
    n_clusters: usize,
    max_iter: usize,
    tol: f64,
    shrinkage: f64,
    full: bool,
    covariances: Option<PyReadonlyArray3<'_, f64>>,
    listener: Option<Py<PyAny>>,
) -> PyResult<MahalanobisFit> {
    let given = covariances.map(|covariances| covariances.as_array().iter().copied().collect());
    let rules = Rules { k: n_clusters, max_iter, tol, shrinkage, full, given };
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let starts = starts.iter().map(|start| to_start(start, rows.d())).collect::<PyResult<Vec<_>>>()?;
        let rows_in_full = dense(&rows)?;
        let found = detached(py, |interpreter, run| {
            let listener = listener.as_ref().map(|listener| PythonListener { listener, interpreter });
            let listener = listener.as_ref().map(|listener| listener as &dyn Listener);
            mahalanobis::fit(&rows_in_full, weights, &starts, &rules, listener, run)
        })?;
        let d = rows.d();
        let precisions: Vec<f64> = found.factors.iter().flat_map(|factor| factor.precision.iter().copied()).collect();
        Ok(MahalanobisFit {
            clusters: Py::new(py, wrap(py, &rows, found.fit, n_clusters)?)?,
            covariances: to_matrices(py, found.covariances, d)?.unbind(),
            precisions_cholesky: to_matrices(py, precisions, d)?.unbind(),
            penalties: found.penalties.into_pyarray(py).unbind(),
        })
    })
}

/// (n, d, d)
type Matrices<'py> = Bound<'py, PyArray3<f64>>;

fn to_matrices(py: Python<'_>, values: Vec<f64>, d: usize) -> PyResult<Matrices<'_>> {
    let n = values.len() / (d * d);
    values.into_pyarray(py).reshape([n, d, d])
}

/// The factors of (1 or n_clusters, n_features, n_features) covariances, and the logarithms of their determinants.
#[pyfunction]
pub fn mahalanobis_factors<'py>(
    py: Python<'py>,
    covariances: PyReadonlyArray3<'py, f64>,
) -> PyResult<(Matrices<'py>, Bound<'py, PyArray1<f64>>)> {
    let (many, d) = (covariances.shape()[0], covariances.shape()[1]);
    if many == 0 || d == 0 || covariances.shape()[2] != d {
        return Err(PyValueError::new_err("covariances must be square"));
    }
    let values: Vec<f64> = covariances.as_array().iter().copied().collect();
    let factors = values.chunks_exact(d * d).enumerate().map(|(j, covariance)| mahalanobis::factor(covariance, d, j));
    let factors = factors.collect::<Result<Vec<_>, _>>().map_err(to_python)?;
    let precisions = factors.iter().flat_map(|factor| factor.precision.iter().copied()).collect();
    let log_dets = PyArray1::from_iter(py, factors.iter().map(|factor| factor.log_det));
    Ok((to_matrices(py, precisions, d)?, log_dets))
}

/// Factors whose determinants nobody asks for.
fn factors(precisions: &PyReadonlyArray3<'_, f64>, d: usize, k: usize) -> PyResult<Vec<Factor>> {
    let (many, rows, columns) = (precisions.shape()[0], precisions.shape()[1], precisions.shape()[2]);
    if (rows, columns) != (d, d) || (many != 1 && many != k) {
        return Err(PyValueError::new_err(format!("factors of 1 or {k} covariances of {d} features are needed")));
    }
    let values: Vec<f64> = precisions.as_array().iter().copied().collect();
    Ok(values.chunks_exact(d * d).map(|p| Factor { precision: p.to_vec(), log_det: 0.0 }).collect())
}

/// For each row the cluster where it costs least, and the sum of w times cost.
#[pyfunction]
#[allow(non_snake_case)]
pub fn mahalanobis_label<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    centers: &Bound<'py, PyAny>,
    precisions_cholesky: PyReadonlyArray3<'py, f64>,
    penalties: Vec<f64>,
    share: f64,
) -> PyResult<(Bound<'py, PyArray1<i32>>, f64)> {
    dispatch!(&Samples::new(X)?, |rows| {
        let weights = convert::weights(sample_weight.as_ref(), rows.n())?;
        let (rows, (centers, k)) = (dense(&rows)?, convert::centers(centers, rows.d())?);
        let factors = factors(&precisions_cholesky, rows.d(), k)?;
        if penalties.len() != factors.len() {
            return Err(PyValueError::new_err("a penalty for each factor is needed"));
        }
        let (labels, cost) =
            detached(py, |_, run| mahalanobis::label(&rows, weights, centers, &factors, penalties, share, run))?;
        Ok((labels.into_pyarray(py), cost))
    })
}

/// Mahalanobis distances (n_samples, n_clusters), in the dtype of X.
#[pyfunction]
#[allow(non_snake_case)]
pub fn mahalanobis_distances<'py>(
    py: Python<'py>,
    X: &Bound<'py, PyAny>,
    centers: &Bound<'py, PyAny>,
    precisions_cholesky: PyReadonlyArray3<'py, f64>,
) -> PyResult<Bound<'py, PyAny>> {
    dispatch!(&Samples::new(X)?, |rows| {
        let (rows, (centers, k)) = (dense(&rows)?, convert::centers(centers, rows.d())?);
        let factors = factors(&precisions_cholesky, rows.d(), k)?;
        let values = detached(py, |_, run| mahalanobis::distances(&rows, &centers, &factors, run))?;
        Ok(values.into_pyarray(py).reshape([rows.n(), k])?.into_any())
    })
}
